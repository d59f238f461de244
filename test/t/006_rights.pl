# Who sees and does what: nobody without a grant, pg_monitor everything that only reads, others their own.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('rights', conf => "assist.interval = 0\n");
$node->safe_psql('postgres', q{
	CREATE ROLE dashboard LOGIN IN ROLE pg_monitor;
	CREATE ROLE nobody LOGIN;
	CREATE ROLE developer LOGIN;
	CREATE TABLE secret (a int, b text);
	INSERT INTO secret SELECT g, 'x' FROM generate_series(1, 200000) g;
	CREATE TABLE shared (a int);
	GRANT SELECT ON shared TO developer;
	ANALYZE;
	SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0}')});
$node->safe_psql('postgres', "SELECT b FROM secret WHERE a = $_") for 1 .. 50;
$node->safe_psql('postgres', 'SELECT count(*) FROM shared', extra_params => [ '-U', 'developer' ]);
$node->safe_psql('postgres', 'SELECT assist.refresh()');

my @views = split /\n/, $node->safe_psql('postgres', q{
	SELECT relname FROM pg_class WHERE relnamespace = 'assist'::regnamespace AND relkind = 'v' AND relname NOT LIKE '\_%' ORDER BY 1});
my @functions = split /\n/, $node->safe_psql('postgres', q{
	SELECT proname FROM pg_proc WHERE pronamespace = 'assist'::regnamespace AND proname NOT LIKE '\_%' ORDER BY 1});
cmp_ok(scalar @views, '>', 5, 'there are views');

# A call of each function that only reads or, as refresh, only writes what follows from what was observed; and of
# each that changes something.
my $id = "(SELECT coalesce(min(id), 0) FROM assist.all_recommendations WHERE sql IS NOT NULL)";
my %reads = (
	recommendations => 'count(*) FROM assist.recommendations()',
	refresh => 'assist.refresh()',
	advise_indexes => 'count(*) FROM assist.advise_indexes()',
	what_if => "count(*) FROM assist.what_if(ARRAY['SELECT 1'])",
	check_migration => "count(*) FROM assist.check_migration('DROP TABLE secret')",
	generate_migration => "count(*) FROM assist.generate_migration($id)",
	export => 'count(*) FROM assist.export()',
	forecast => "count(*) FROM assist.forecast('calls')",
	baseline => "count(*) FROM assist.baseline('calls')",
	forecast_quality => "count(*) FROM assist.forecast_quality('size_bytes', 'secret')",
	best_windows => 'count(*) FROM assist.best_windows()',
	compare_periods => "count(*) FROM assist.compare_periods(tstzrange(NULL, now()), tstzrange(now(), NULL))",
	statement_totals => 'count(*) FROM assist.statement_totals()',
	record_history => 'assist.record_history()',
	health => 'count(*) FROM assist.health()',
	health_text => 'assist.health_text()',
	mask_text => "assist.mask_text('x')",
	mask_query => "assist.mask_query('SELECT 1')",
	migration_script => "length(assist.migration_script($id)) > 0",);
my %changes = (
	acknowledge => 'assist.acknowledge(1)',
	approve => "assist.approve($id)",
	import_index_usage => "assist.import_index_usage('standby', '[]')",
	import_history => "assist.import_history('a,b,now,1')",
	forget => "assist.forget('-infinity')",
	dismiss => "assist.dismiss($id)",
	mark => "assist.mark('deployed')",
	mute => "assist.mute(1, 'tomorrow')",
	mark_implemented => "assist.mark_implemented($id)",
	postpone => "assist.postpone($id, 'tomorrow')",
	reopen => "assist.reopen($id)",
	reset => 'assist.reset()',
	reset_threshold => "assist.reset_threshold('list_time')",
	set_core_table => "assist.set_core_table('pg_class', true)",
	set_threshold => "assist.set_threshold('list_time')",
	set_rule => "assist.set_rule('missing_index', false)",);

sub as
{
	my ($role, $sql) = @_;
	return try_sql($node, 'postgres', $sql, extra_params => [ '-U', $role ]);
}

for my $view (@views)
{
	my ($status, $out, $err) = as('nobody', "SELECT * FROM assist.$view");
	like($err, qr/ERROR:  42501/, "nobody: $view is refused");
	($status, $out, $err) = as('dashboard', "SELECT * FROM assist.$view");
	is($status, 0, "dashboard: reads $view") or diag $err;
}
for my $function (@functions)
{
	my $call = $reads{$function} // $changes{$function};
	ok(defined $call, "$function is known to this test") or next;
	my ($status, $out, $err) = as('nobody', "SELECT $call");
	like($err, qr/ERROR:  42501/, "nobody: $function is refused");
	($status, $out, $err) = as('dashboard', "SELECT $call");
	if ($reads{$function})
	{
		is($status, 0, "dashboard: calls $function") or diag $err;
	}
	else
	{
		like($err, qr/ERROR:  42501/, "dashboard: $function is refused");
	}
}
my ($status, $out, $err) = as('dashboard', q{SELECT count(*) FROM assist.statements WHERE query LIKE 'SELECT b FROM secret%'});
is($out, '1', "dashboard: sees others' statements");
($status, $out, $err) = as('dashboard', q{SELECT count(*) FROM assist.all_recommendations});
is($out, $node->safe_psql('postgres', 'SELECT count(*) FROM assist.all_recommendations'), 'dashboard: sees all recommendations');

# No table of ours can be read past the views, or written, by any of them.
for my $table (split /\n/, $node->safe_psql('postgres', q{
	SELECT relname FROM pg_class WHERE relnamespace = 'assist'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1}))
{
	for my $role ('nobody', 'dashboard')
	{
		($status, $out, $err) = as($role, "DELETE FROM assist.$table");
		like($err, qr/ERROR:  42501/, "$role: cannot write $table");
	}
}

# A role with a grant on the objects sees its own statements, and nothing of what others did.
$node->safe_psql('postgres', q{
	GRANT USAGE ON SCHEMA assist TO developer;
	GRANT SELECT ON ALL TABLES IN SCHEMA assist TO developer;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA assist TO developer;
	REVOKE EXECUTE ON FUNCTION assist.reset FROM developer});
($status, $out, $err) = as('developer', q{SELECT string_agg(DISTINCT userid::regrole::text, ',') FROM assist.statements});
is($out, 'developer', 'developer: own statements only') or diag $err;
for my $view ('plans', 'predicates', 'samples', 'errors', 'statement_history', 'plan_history', 'wait_history', 'statement_totals()', 'regressions')
{
	($status, $out, $err) = as('developer', "SELECT count(*) FROM assist.$view WHERE userid <> 'developer'::regrole");
	is($out, '0', "developer: nothing of others in $view") or diag $err;
}
for my $table (split /\n/, $node->safe_psql('postgres', q{
	SELECT relname FROM pg_class WHERE relnamespace = 'assist'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1}))
{
	($status, $out, $err) = as('developer', "SELECT count(*) FROM assist.$table");
	is($out, '0', "developer: nothing of $table itself") or diag $err;
}
($status, $out, $err) = as('developer', 'SELECT count(*) FROM assist.database_history');
is($out, '0', 'developer: nothing of the whole database');
($status, $out, $err) = as('developer', q{SELECT string_agg(DISTINCT relation_name, ',') FROM assist.table_history});
is($out, '', 'developer: nothing of tables of others') or diag $err;
($status, $out, $err) = as('developer', 'SELECT (SELECT count(*) FROM assist.markers), (SELECT count(*) FROM assist.setting_history)');
is($out, '0|0', 'developer: no events of others') or diag $err;
# Alerts: of others nothing, of one's own statements and relations; whoever sees one may still not review it.
$node->safe_psql('postgres', q{
	CREATE TABLE own (a int);
	ALTER TABLE own OWNER TO developer;
	INSERT INTO assist.alert (fingerprint, source, metric, object, severity, status, since, last_seen, judged_until, title, statement, relation, relation_name)
	SELECT 'f' || n, 'threshold', 'list_time', n::text, 'warning', 'open', now(), now(), now(), 'of ' || n, s, r::regclass, r
	FROM (VALUES (1, NULL, 'public.secret'), (2, (SELECT id FROM assist.history_statement WHERE role_name = 'developer' LIMIT 1), NULL),
		(3, NULL, 'public.own'), (4, (SELECT id FROM assist.history_statement WHERE role_name <> 'developer' LIMIT 1), NULL)) v (n, s, r);
	INSERT INTO assist.core_table (relation_name, pinned) VALUES ('public.secret', true), ('public.own', true)});
($status, $out, $err) = as('developer', q{SELECT string_agg(title, ',' ORDER BY title) FROM assist.alerts});
is($out, 'of 2,of 3', 'developer: own alerts only') or diag $err;
($status, $out, $err) = as('developer', q{SELECT string_agg(relation_name, ',') FROM assist.core_tables});
is($out, 'public.own', 'developer: own core tables only') or diag $err;
my $of_others = $node->safe_psql('postgres', q{SELECT id FROM assist.alert WHERE title = 'of 1'});
($status, $out, $err) = as('developer', "SELECT assist.acknowledge($of_others)");
like($err, qr/ERROR:  P0002/, 'developer: alerts of others do not exist');
($status, $out, $err) = as('developer', q{SELECT string_agg(a.status, ',') FROM (SELECT (assist.acknowledge(id)).status FROM assist.alerts) a});
is($out, 'acknowledged,acknowledged', 'developer: reviews own ones') or diag $err;
$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION assist.mute, assist.acknowledge TO dashboard');
($status, $out, $err) = as('dashboard', q{SELECT assist.mute(min(id), 'tomorrow') FROM assist.alerts});
like($err, qr/ERROR:  42501/, 'dashboard: sees all of them and reviews none');
# Forecasts only of what is theirs.
for my $call ("'calls'", "'n_tup_ins', 'secret'", "'random'")
{
	($status, $out, $err) = as('developer', "SELECT * FROM assist.forecast($call)");
	like($err, qr/ERROR:  (42501|22023)/, "developer: no forecast of $call");
	($status, $out, $err) = as('developer', "SELECT * FROM assist.baseline($call)");
	like($err, qr/ERROR:  (42501|22023)/, "developer: no baseline of $call");
}
my ($theirs, $others) = map { $node->safe_psql('postgres', "SELECT queryid FROM assist.statement_history WHERE query LIKE '$_' LIMIT 1") } ('SELECT count(*) FROM shared%', 'SELECT b FROM secret%');
($status, $out, $err) = as('developer', "SELECT count(*) FROM assist.forecast('calls', '$others')");
like($err, qr/ERROR:  P0002/, 'developer: no forecast of statements of others');
($status, $out, $err) = as('developer', "SELECT count(*) FROM assist.forecast_quality('calls', '$theirs')");
is($out, '1', 'developer: a forecast of their own') or diag $err;
$node->safe_psql('postgres', 'CREATE TABLE mine (a int PRIMARY KEY); ALTER TABLE mine OWNER TO developer');
($status, $out, $err) = as('developer', "SELECT count(*) FROM assist.forecast_quality('size_bytes', 'mine_pkey')");
is($out, '1', 'developer: of their own index') or diag $err;
($status, $out, $err) = as('developer', 'SELECT * FROM assist.best_windows()');
like($err, qr/ERROR:  42501/, 'developer: no quiet hours of the database');
($status, $out, $err) = as('developer', q{SELECT count(*), count(*) FILTER (WHERE userid <> 'developer'::regrole OR object IS NULL OR query IS NULL AND object <> 'public.own') FROM assist.baselines});
like($out, qr/^\d+\|0$/, 'developer: what is normal of their own only') or diag $err;
# what_if plans only what the caller may read, and says nothing of the rest.
($status, $out, $err) = as('developer', q{SELECT * FROM assist.what_if(ARRAY['SELECT b FROM secret WHERE a = 1'])});
like($err, qr/ERROR:  42501: permission denied for table secret/, 'developer: what_if needs the right to run the statement');
($status, $out, $err) = as('developer', q{SELECT * FROM assist.advise_indexes(NULL, ARRAY['SELECT b FROM secret WHERE a = 1'])});
like($err, qr/ERROR:  42501: permission denied for table secret/, 'developer: and so does advise_indexes');
($status, $out, $err) = as('developer', q{SELECT count(*) FROM assist.advise_indexes() WHERE create_index LIKE '%secret%'});
is($out, '0', 'developer: no advice for what others ran') or diag $err;

$node->stop;
done_testing();
