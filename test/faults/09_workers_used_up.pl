# max_worker_processes used up: for collector and launcher at the start, for analysts later. assist.status and the log
# say so, everything is counted, and the analyst comes when there is a worker again.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;
use Fault;

my $node = new_node('workers', conf => <<'CONF');
max_logical_replication_workers = 0
max_worker_processes = 4
max_parallel_workers = 8
max_parallel_workers_per_gather = 2
assist.interval = 1
assist.max_workers = 2
dynamic_shared_memory_type = mmap
CONF

$node->safe_psql('postgres', q{
	CREATE TABLE t (a int, b text);
	INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g;
	CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a);
	CREATE TABLE parallel AS SELECT generate_series(1, 100000) AS a;
	ALTER TABLE parallel SET (parallel_workers = 2);
	ANALYZE t; ANALYZE parallel;
	CREATE FUNCTION waits(i int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS $$
	BEGIN
		IF i % 20000 = 1 THEN PERFORM pg_sleep(300); END IF;
		RETURN i;
	END $$});

my @takers;

# Takes the workers that are left: those of a parallel query, which sleep.
sub take_workers
{
	my ($least) = @_;
	my $taker = $node->background_psql('postgres', on_error_stop => 0);
	$taker->query_safe(q{
		SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
		SET application_name = 'taker'});
	$taker->query_until(qr/taking/, "\\echo taking\nSELECT count(waits(a)) FROM parallel;\n");
	push @takers, $taker;
	return $node->poll_query_until('postgres', "SELECT count(*) >= $least FROM pg_stat_activity WHERE backend_type = 'parallel worker'");
}

sub give_back
{
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'taker' AND backend_type = 'client backend'});
	for my $taker (@takers) { eval { $taker->quit } }
	@takers = ();
	return;
}
sub workers { return join ' ', map { worker_pid($node, $_) ne '' ? $_ : "no $_" } 'collector', 'launcher' }
# A visit comes to its end. The next may begin at once: what it has written tells.
sub analyst_comes
{
	my $last = observer($node, q{SELECT clock_timestamp()});
	return $node->poll_query_until('postgres', "SELECT max(evaluated_at) > '$last' FROM assist.rule_state");
}

ok(analyst_comes(), 'there is a worker for the analyst');

# --- for the analyst
my $since = -s $node->logfile;
$node->safe_psql('postgres', q{ALTER SYSTEM SET assist.interval = 0});
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT state = 'off' FROM assist.status WHERE component = 'launcher'}), 'no visits for now');
ok(wait_until(30, sub { worker_pid($node, 'analyst') eq '' }), 'and no analyst');
ok(take_workers(2), 'the workers are taken');
# A visit that is refused is due as before: not put off by an interval, in which nobody would say so.
$node->safe_psql('postgres', q{ALTER SYSTEM SET assist.interval = 5});
$node->reload;
my $waiting = q{SELECT state = 'waiting' AND detail LIKE '%no free background worker%max_worker_processes%' FROM assist.status WHERE component = 'launcher'};
ok($node->poll_query_until('postgres', $waiting), 'assist.status says that there is none for the analyst');
# It stays so until there is one.
my ($n, $says) = (0, 0);
wait_until(4, sub { ++$n; $says += observer($node, $waiting) eq 't'; return 0 });
is($says, $n, "and says so each of $n times");
my @lines = slurp_file($node->logfile, $since) =~ /(LOG:  pg_assist could not start an analyst: .*)/g;
is(scalar @lines, 1, 'the log says it once');
sound_after($node, what => 'used up');
give_back();
ok(analyst_comes(), 'the analyst comes when there is a worker');
is(status_of($node, 'launcher', q{state || '/' || detail}), 'running/', 'and the launcher has nothing to say');

$node->safe_psql('postgres', q{ALTER SYSTEM RESET assist.interval});
$node->reload;

# --- during a visit: what others take then does not keep it from its end
$node->safe_psql('postgres', q{
	CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		PERFORM pg_sleep(1) FROM pg_stat_activity WHERE pid = pg_backend_pid() AND backend_type LIKE 'pg_assist analyst%';
		RETURN i;
	END $$;
	SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0}')});
$node->safe_psql('postgres', join ';', map { "SELECT b FROM t WHERE length(b) = slow($_)" } 1 .. 30);
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type LIKE 'pg_assist analyst%' AND wait_event = 'PgSleep'}),
	'an analyst is at work');
ok(take_workers(1), 'others take the rest');
ok(analyst_comes(), 'the visit ends as ever');
give_back();
sound_after($node, what => 'taken during a visit', since => $since);
stop_clean($node);

# --- for collector and launcher, at the start
for my $case ([ 1, 'collector no launcher' ], [ 0, 'no collector no launcher' ])
{
	my ($most, $expected) = @$case;
	$since = -s $node->logfile;
	$node->adjust_conf('postgresql.conf', 'max_worker_processes', $most);
	$node->start;
	wait_for_worker($node, 'collector') if $most > 0;
	is(workers(), $expected, "max_worker_processes = $most: $expected");
	for my $worker ('collector', 'launcher')
	{
		next if $expected !~ /no $worker/;
		is(status_of($node, $worker, q{state || ': ' || detail}),
			'not started: it starts within seconds unless background workers are used up: see max_worker_processes',
			"max_worker_processes = $most: assist.status says so of the $worker");
	}
	like(slurp_file($node->logfile, $since), qr/LOG:  too many background workers/, "max_worker_processes = $most: the log says so");
	# More statements than a slot holds, of several sessions at once, without anybody to take them.
	my $before = accounted($node);
	my $columns = join ', ', map { "c$_ int" } 0 .. 9;
	$node->safe_psql('postgres', "DROP TABLE IF EXISTS many; CREATE TABLE many ($columns)");
	my $script = join '', map { 'SELECT ' . join(', ', map { "c$_" } split //, sprintf('%03d', $_)) . " FROM many;\n" } 0 .. 199;
	my @load = map { pgbench_start($node, $script, '-c', 2, '-t', 5) } 1 .. 2;
	my $done = 0;
	$done += pgbench_finish($_) for @load;
	is(accounted($node) - $before, 200 * $done + 2, "max_worker_processes = $most: all executions are accounted for");
	is($node->safe_psql('postgres', 'SELECT assist.refresh() >= 0'), 't', "max_worker_processes = $most: assist.refresh() works");
	sound_after($node, what => "max_worker_processes = $most", workers => [], since => $since);
	$node->safe_psql('postgres', 'SELECT a FROM t WHERE a = 5');
	my $kept = accounted($node);
	$node->restart;
	is(accounted($node), $kept, "max_worker_processes = $most: a restart keeps all");
	stop_clean($node);
}
$node->adjust_conf('postgresql.conf', 'max_worker_processes', 4);
$node->start;
ok(analyst_comes(), 'with workers again, the analyst comes');
sound_after($node, what => 'with workers again');
stop_clean($node);
done_testing();
