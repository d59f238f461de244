# SIGKILL of a backend and of the collector: the server restarts its processes, and counting is exact again.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('crash', conf => "restart_after_crash = on\n");

# Runs N times a statement of its own: the query id does not tell column labels, so it reads its own table.
sub run_tagged
{
	my ($tag, $n) = @_;
	$node->safe_psql('postgres', "CREATE TABLE $tag (a int); " . join ';', map { "SELECT a FROM $tag WHERE a = $_" } 1 .. $n);
}

# Waits until the server, after a crash, takes connections again and the collector is there.
sub wait_for_recovery
{
	my ($old) = @_;
	ok(wait_until(60, sub { $node->psql('postgres', 'SELECT 1', stdout => \my $o, stderr => \my $e) == 0 }),
		'the server comes back');
	wait_for_worker($node, 'collector', $old);
}

for my $victim ('backend', 'collector')
{
	my $collector = wait_for_worker($node, 'collector');
	my $since = -s $node->logfile;
	run_tagged("before_$victim", 10);
	is(calls_of($node, "SELECT a FROM before_$victim %"), '10', "counted before the $victim is killed");

	my $pid = $collector;
	my $session;
	if ($victim eq 'backend')
	{
		$session = $node->background_psql('postgres', on_error_stop => 0);
		$pid = $session->query_safe('SELECT pg_backend_pid()');
	}
	kill 'KILL', $pid;
	wait_until(20, sub { !kill 0, $pid });
	wait_for_recovery($collector);
	eval { $session->quit } if $session;

	run_tagged("after_$victim", 7);
	is(calls_of($node, "SELECT a FROM after_$victim %"), '7', "counting is exact after the $victim was killed");
	my $log = slurp_file($node->logfile, $since);
	is(() = $log =~ /was terminated by signal/g, 1, "nothing else died with the $victim");
	unlike($log, qr/PANIC|TRAP|signal 11|signal 6/, "no crash of our own after the $victim");
}

# A collector that stands still stops nobody, and nothing is lost while the slots hold it.
my $collector = wait_for_worker($node, 'collector');
kill 'STOP', $collector;
run_tagged('while_paused', 25);
is(calls_of($node, 'SELECT a FROM while_paused %'), '25', 'a paused collector: all is counted and visible');
# More statements than any slot holds: the backend hands them over itself.
$node->safe_psql('postgres', join ';', 'CREATE TABLE many (a int)', map { 'SELECT ' . join(', ', ('a') x $_) . ' FROM many' } 1 .. 400);
is($node->safe_psql('postgres', q{SELECT sum(calls) FROM assist.statements WHERE query LIKE 'SELECT a% FROM many'}),
	'400', 'a paused collector: 400 distinct statements of one session');
kill 'CONT', $collector;
run_tagged('after_pause', 3);
is(calls_of($node, 'SELECT a FROM after_pause %'), '3', 'and it goes on');

# pg_terminate_backend in the middle of a statement: counted as an error, nothing hangs.
my $sleeper = $node->background_psql('postgres', on_error_stop => 0);
my $sleeper_pid = $sleeper->query_safe('SELECT pg_backend_pid()');
$sleeper->query_until(qr/asleep/, "\\echo asleep\nSELECT pg_sleep(600) AS terminated;\n");
$node->poll_query_until('postgres', "SELECT query LIKE '%pg_sleep%' AND state = 'active' FROM pg_stat_activity WHERE pid = $sleeper_pid");
$node->safe_psql('postgres', "SELECT pg_terminate_backend($sleeper_pid, 10000)");
eval { $sleeper->quit };
is($node->safe_psql('postgres', q{SELECT sum(errors) FROM assist.statements WHERE query LIKE 'SELECT pg!_sleep(%) AS terminated' ESCAPE '!'}),
	'1', 'a terminated statement is counted');
is($node->safe_psql('postgres', q{SELECT string_agg(sqlstate, ',') FROM assist.errors JOIN assist.statements USING (userid, dbid, queryid, toplevel)
	WHERE query LIKE 'SELECT pg!_sleep(%) AS terminated' ESCAPE '!'}), '57P01', 'under its SQLSTATE');

# Immediate shutdown: what was only in shared memory is gone, the start is clean.
$node->stop('immediate');
$node->start;
wait_for_worker($node, 'collector');
run_tagged('after_immediate', 4);
is(calls_of($node, 'SELECT a FROM after_immediate %'), '4', 'counting is exact after an immediate shutdown');

$node->stop('fast');
done_testing();
