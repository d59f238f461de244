# Every function and view, interrupted at any moment: statement_timeout of 1 ms and more, and cancel in a loop. The
# session goes on, nothing is held, nothing is left.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use Assist;

my $node = new_node('interrupted', conf => "assist.interval = 0\nassist.sample_rate = 1\nmax_worker_processes = 4\n");
$node->safe_psql('postgres', q{
	CREATE TABLE t (a int, b text, c int);
	INSERT INTO t SELECT g, repeat('x', 100), g FROM generate_series(1, 20000) g;
	CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a); CREATE INDEX t_ac ON t (a, c);
	ANALYZE t;
	SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0}')});
$node->safe_psql('postgres', join ';', map { "SELECT b FROM t WHERE c = $_" } 1 .. 30);
$node->safe_psql('postgres', 'SELECT assist.refresh()');

my $id = '(SELECT min(id) FROM assist.all_recommendations WHERE sql IS NOT NULL)';
my @calls = (
	'SELECT assist.refresh()', "SELECT count(*) FROM assist.what_if(ARRAY['SELECT * FROM t WHERE c = 1'], ARRAY['CREATE INDEX ON t (c)'])",
	q{SELECT count(*) FROM (SELECT 1 FROM assist.advise_indexes() UNION ALL SELECT 1 FROM assist.advise_indexes(1000000, ARRAY['SELECT b FROM t WHERE c = 1'])) a},
	q{SELECT count(*) FROM assist.check_migration('ALTER TABLE t ADD d int DEFAULT random(), ALTER a TYPE bigint; UPDATE t SET c = 1 WHERE a > 0')},
	"SELECT count(*) FROM assist.generate_migration($id)", "SELECT length(assist.migration_script($id))",
	'SELECT count(*) FROM assist.recommendations()', "SELECT assist.approve($id)", "SELECT assist.reopen($id)",
	"SELECT assist.postpone($id, now() + interval '1 day')", "SELECT assist.dismiss($id)", "SELECT assist.mark_implemented($id)",
	q{SELECT assist.set_rule('work_mem', enabled => true)}, 'SELECT assist.reset()',
	'SELECT count(*) FROM assist.export()', q{SELECT assist.mask_text('a@b.example')}, q{SELECT assist.mask_query('SELECT 1')},
	'SELECT assist.record_history()', q{SELECT assist.forget('2000-01-01')}, q{SELECT assist.mark('release')},
	q{SELECT count(*) FROM assist.statement_totals(tstzrange(now() - interval '1 hour', now()))},
	q{SELECT count(*) FROM assist.compare_periods(tstzrange(now() - interval '2 hours', now() - interval '1 hour'), tstzrange(now() - interval '1 hour', now()))},
	q{SELECT assist.import_index_usage('standby', jsonb_agg(u)) FROM pg_stat_user_indexes u},
	q{SELECT assist.import_history('queue,a,2026-01-01 00:00+00,1')}, q{SELECT count(*) FROM assist.forecast('calls')}, q{SELECT count(*) FROM assist.baseline('calls')},
	q{SELECT count(*) FROM assist.forecast_quality('calls')}, q{SELECT count(*) FROM assist.best_windows()},
	q{SELECT assist.set_threshold('list_time', '', 500, 1000)}, q{SELECT assist.reset_threshold('list_time')}, q{SELECT assist.set_core_table('t', true)},
	'SELECT assist.acknowledge(id) FROM assist.alerts LIMIT 1', q{SELECT assist.mute(id, now() + interval '1 day') FROM assist.alerts LIMIT 1},
	'SELECT count(*) FROM assist.health()', 'SELECT assist.health_text()',
	map { "SELECT count(*) FROM (SELECT * FROM assist.$_ OFFSET 0) s" }
	  split /\n/, $node->safe_psql('postgres', q{SELECT relname FROM pg_class WHERE relnamespace = 'assist'::regnamespace AND relkind = 'v' ORDER BY 1}));
my $functions = $node->safe_psql('postgres', q{SELECT count(DISTINCT proname) FROM pg_proc WHERE pronamespace = 'assist'::regnamespace AND proname NOT LIKE '\_%'});
is(scalar(grep { /assist\.\w+\(/ } @calls), $functions, 'every function is among them');

sub sound
{
	my ($what) = @_;
	is($node->safe_psql('postgres', 'SELECT assist.refresh() >= 0; SELECT b FROM t WHERE c = 7 LIMIT 0; SELECT count(*) > 0 FROM assist.statements'),
		"t\nt", "$what: all works afterwards");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND locktype IN ('relation', 'object', 'advisory')}),
		'0', "$what: no lock is left");
	return;
}

# Timeouts that fall anywhere in the call. All in one session, each call in a transaction of its own.
my $script = "\\set ON_ERROR_STOP 0\n";
for my $call (@calls)
{
	$script .= "SET statement_timeout = $_;\n$call;\n" for 1, 1, 1, 2, 3, 5, 8, 13;
}
$script .= "RESET statement_timeout;\nSELECT 'used ' || sum(used_bytes) FROM pg_backend_memory_contexts WHERE parent = 'TopMemoryContext' AND name NOT LIKE 'Cache%';\n";
my ($out, $err) = ('', '');
$node->psql('postgres', $script . $script . $script, stdout => \$out, stderr => \$err, on_error_stop => 0, timeout => 120);
my $timeouts = () = $err =~ /canceling statement due to statement timeout/g;
my $other = join ' | ', grep { /ERROR/ && !/statement timeout|recommendation|lock timeout/ } split /\n/, $err;
cmp_ok($timeouts, '>', 20, "statement_timeout: $timeouts calls were cut short");
is($other, '', 'and nothing else went wrong');
my @used = $out =~ /^used (\d+)$/mg;
is(scalar @used, 3, 'the session went on to the end');
cmp_ok($used[2], '<', $used[0] + 100_000, "nothing is left in memory (@used bytes)");
sound('statement_timeout');

# Cancel after cancel for a minute (FAULT_SECONDS) while everything is called over and over, in one session.
my $seconds = $ENV{FAULT_SECONDS} // 60;
my $dir = PostgreSQL::Test::Utils::tempdir;
my $used = q{SELECT 'used ' || sum(used_bytes) FROM pg_backend_memory_contexts WHERE parent = 'TopMemoryContext' AND name NOT LIKE 'Cache%'};
append_to_file("$dir/calls.sql", join '', map { "$_;\n" } @calls);
# Calls.sql becomes empty when the time is over.
append_to_file("$dir/loop.sql", join "\n", '\set ON_ERROR_STOP 0', "SET application_name = 'target';", "\\i $dir/calls.sql",
	"\\o $dir/used", "$used;", '\o /dev/null', ("\\i $dir/calls.sql") x (1000 * $seconds), "\\o | cat >> $dir/used", "$used;", '');
my $psql = IPC::Run::start([ 'psql', '-X', '-q', '-At', '-o', '/dev/null', '-d', $node->connstr('postgres'), '-f', "$dir/loop.sql" ],
	'>', "$dir/out", '2>', "$dir/errors");
ok(wait_until(60, sub { -s "$dir/used" }), 'the session has called everything once');
# At random moments, from one session: some fifty a second.
my $cancels = $node->safe_psql('postgres', qq{
	CREATE PROCEDURE cancels(seconds float8, OUT cancels int) LANGUAGE plpgsql AS \$\$
	DECLARE target int := (SELECT pid FROM pg_stat_activity WHERE application_name = 'target');
	BEGIN
		cancels := 0;
		WHILE clock_timestamp() < statement_timestamp() + seconds * interval '1 s' LOOP
			PERFORM pg_cancel_backend(target), pg_sleep(random() * 0.03);
			cancels := cancels + 1;
		END LOOP;
	END \$\$;
	CALL cancels($seconds, NULL)}, timeout => 2 * $seconds + 60);
append_to_file("$dir/empty.sql", '');
rename "$dir/empty.sql", "$dir/calls.sql" or die $!;
$psql->finish;
my $errors = slurp_file("$dir/errors");
cmp_ok($cancels, '>', 10 * $seconds, "$cancels cancels in $seconds s");
# Which line, that is call, was cancelled how often.
my %hit;
++$hit{ $1 - 1 } while $errors =~ /calls\.sql:(\d+): ERROR:  canceling statement due to user request/g;
note sprintf '%5d  %s', $hit{$_} // 0, substr($calls[$_], 0, 90) for 0 .. $#calls;
cmp_ok(scalar keys %hit, '>', @calls / ($seconds >= 30 ? 2 : 10), scalar(keys %hit) . ' of ' . @calls . ' calls were cancelled');
unlike($errors, qr/server closed|XX000|internal error/, 'the session lived');
$other = join ' | ', grep { /ERROR/ && !/canceling statement due to user request|recommendation/ } split /\n/, $errors;
is($other, '', 'and nothing else went wrong');
@used = slurp_file("$dir/used") =~ /^used (\d+)$/mg;
is(scalar @used, 2, 'the session went on to the end');
cmp_ok($used[-1], '<', $used[0] + 100_000, "nothing is left in memory (@used bytes)");
sound('cancel');

# No worker to be had for analysts: said in assist.status, and over when there is one again.
$node->safe_psql('postgres', q{ALTER SYSTEM SET assist.interval = 1; SELECT pg_reload_conf()});
ok($node->poll_query_until('postgres', q{SELECT bool_or(detail LIKE '%max_worker_processes%' OR state = 'running') FROM assist.status WHERE component = 'launcher'}),
	'the launcher says how it is');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|was terminated by signal/, 'nothing crashed');
$node->stop;
done_testing();
