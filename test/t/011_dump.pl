# pg_dump and restore: what the user decided and was told goes along, what belongs to this server does not; and
# stays behind when the user wants it so.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('dump', conf => "assist.interval = 0\nassist.sample_rate = 1\n");
$node->safe_psql('postgres', q{CREATE DATABASE shop});
$node->safe_psql('shop', q{
	CREATE EXTENSION pg_assist;
	CREATE TABLE t (a int, b text, c int);
	INSERT INTO t SELECT g, repeat('x', 100), g FROM generate_series(1, 50000) g;
	CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a);
	ANALYZE t;
	SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0}');
	SELECT assist.set_rule('unused_index', enabled => false);
	SELECT assist.mark('release 1');
	SELECT assist.set_threshold('single_row_time', '', 0.00001);
	SELECT assist.set_threshold('index_usage', 't', 90, 50);
	SELECT assist.set_core_table('t', true)});
$node->safe_psql('shop', join ';', map { "SELECT b FROM t WHERE c = $_" } 1 .. 30);
$node->safe_psql('shop', q{
	SELECT assist.refresh();
	INSERT INTO t SELECT 1 FROM generate_series(1, 10);
	SELECT pg_stat_force_next_flush();
	SELECT assist.refresh();
	SELECT assist.dismiss((SELECT id FROM assist.recommendations WHERE rule = 'duplicate_index'), 'kept on purpose')});

sub kept
{
	my ($database) = @_;
	return $node->safe_psql($database, q{
		SELECT rule, enabled, settings FROM assist.rule_setting ORDER BY 1;
		SELECT id, rule, object, title, status, evidence FROM assist.all_recommendations ORDER BY 1;
		SELECT id, at, role, action, object, outcome FROM assist.history ORDER BY 1;
		SELECT start, until, role_name, query, calls, total_exec_time, p99_exec_time FROM assist.statement_history ORDER BY 1, 4;
		SELECT start, planid, calls FROM assist.plan_history ORDER BY 1, 2;
		SELECT start, relation_name, n_tup_ins, size_bytes FROM assist.table_history ORDER BY 1, 2;
		SELECT start, index_name, idx_scan FROM assist.index_history ORDER BY 1, 2;
		SELECT start, calls, xid_age FROM assist.database_history ORDER BY 1;
		SELECT metric, scope, warning, critical, changed_by FROM assist.threshold ORDER BY 1, 2;
		SELECT relation_name, pinned FROM assist.core_table ORDER BY 1;
		SELECT id, metric, object, status, title FROM assist.alert ORDER BY 1;
		SELECT id, at, kind, command, object, role, new_value FROM assist.event ORDER BY 1});
}

my $kept = kept('shop');
like($kept, qr/dismissed/, 'something to keep');
like($kept, qr/index_usage\|public\.t\|90.*public\.t\|t.*single_row_time/s, 'thresholds, core tables and alerts too');
like($kept, qr/SELECT b FROM t WHERE c = .*\|public\.t\|.*\|public\.t_a\|/s, 'history too');
my $dir = PostgreSQL::Test::Utils::tempdir;
for my $format ('plain', 'custom')
{
	$node->command_ok([ 'pg_dump', '-F', $format, '-f', "$dir/$format", $node->connstr('shop') ], "pg_dump -F $format");
	$node->safe_psql('postgres', "CREATE DATABASE copy_$format");
	$node->command_ok(
		$format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr("copy_$format"), '-f', "$dir/$format" ]
		: [ 'pg_restore', '-e', '-d', $node->connstr("copy_$format"), "$dir/$format" ],
		"restore of $format");
	is(kept("copy_$format"), $kept, "$format: rules, recommendations, history and events are there");
	is($node->safe_psql("copy_$format", 'SELECT count(*) FROM assist.object_seen'), '0', "$format: ages of this server's objects are not");
	$node->safe_psql("copy_$format", 'ANALYZE; SELECT assist.refresh()');
	# A table goes on with its history though it has another oid here.
	$node->safe_psql("copy_$format", 'INSERT INTO t VALUES (1)');
	$node->safe_psql("copy_$format", 'SELECT assist.refresh()');
	is($node->safe_psql("copy_$format", q{SELECT count(DISTINCT id), count(DISTINCT dbid) FROM assist.history_relation WHERE name = 't'}), '1|1',
		"$format: one history of a table");
	is($node->safe_psql("copy_$format", q{SELECT n_tup_ins FROM assist.table_history WHERE relation = 't'::regclass ORDER BY start DESC LIMIT 1}), '1',
		"$format: that goes on");
	is($node->safe_psql("copy_$format", q{SELECT count(*) FROM assist.event WHERE command = 'CREATE DATABASE' AND object = 'shop'}), '1',
		"$format: what concerns the server is not recorded again");
	is($node->safe_psql("copy_$format", q{SELECT count(*) FROM assist.setting_history}), '0', "$format: no setting has changed");
	is($node->safe_psql("copy_$format", q{SELECT FROM assist.mark('release 2'); SELECT max(id) FILTER (WHERE detail = 'release 2') > max(id) FILTER (WHERE detail = 'release 1') FROM assist.event}) =~ /t$/, 1,
		"$format: events go on with new numbers");
	is($node->safe_psql("copy_$format", q{SELECT status FROM assist.all_recommendations WHERE rule = 'duplicate_index'}), 'dismissed',
		"$format: what was dismissed stays so");
	ok($node->safe_psql("copy_$format", q{SELECT assist.reopen((SELECT id FROM assist.all_recommendations WHERE rule = 'duplicate_index')) IS NOT NULL;
		SELECT max(id) > 1 FROM assist.history}) =~ /t$/, "$format: the log goes on with new numbers");
}
# Left behind.
$node->command_ok([ 'pg_dump', '-f', "$dir/bare", '--exclude-table-data=assist.*', $node->connstr('shop') ], 'pg_dump without its data');
$node->safe_psql('postgres', 'CREATE DATABASE bare');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('bare'), '-f', "$dir/bare" ], 'restore');
is(kept('bare'), '', 'nothing was taken along');
$node->stop;
done_testing();
