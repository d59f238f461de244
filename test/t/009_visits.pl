# An analyst in a database stands in nobody's way: DROP, RENAME and use as a template of that database, DROP and
# UPDATE of the extension, fast shutdown; and the death of launcher and analyst.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);
use Assist;

my $node = new_node('visits', extension => 0, conf => <<'CONF');
assist.interval = 1s
assist.databases = 'victim, renamed'
assist.sample_rate = 1
restart_after_crash = on
CONF

# A database in which every visit of the analyst takes half a minute: it plans a statement whose function sleeps,
# but only in the analyst.
sub make_victim
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, q{
		CREATE EXTENSION pg_assist;
		CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
		BEGIN
			PERFORM pg_sleep(30) FROM pg_stat_activity WHERE pid = pg_backend_pid() AND backend_type LIKE 'pg_assist analyst%';
			RETURN i;
		END $$;
		CREATE TABLE t (a int, b text);
		INSERT INTO t SELECT g, repeat('x', 50) FROM generate_series(1, 100000) g;
		ANALYZE t});
	$node->safe_psql($name, join ';', map { "SELECT b FROM t WHERE a = slow($_)" } 1 .. 50);
}

sub wait_for_visit
{
	my ($name) = @_;
	return $node->poll_query_until('postgres', qq{
		SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = '$name' AND backend_type LIKE 'pg_assist analyst%'
		   AND wait_event = 'PgSleep'});
}

# Runs the command while an analyst works in the database: it succeeds within SECONDS.
sub ok_during_visit
{
	my ($name, $database, $sql, $seconds) = @_;
	ok(wait_for_visit($name), 'an analyst works in the database') or return;
	my $started = time;
	my ($status, $out, $err) = try_sql($node, $database, $sql);
	is($status, 0, $sql) or diag $err;
	cmp_ok(time - $started, '<', $seconds, 'without waiting for the analyst');
}

make_victim('victim');
ok_during_visit('victim', 'postgres', 'CREATE DATABASE copy TEMPLATE victim', 8);
ok_during_visit('victim', 'postgres', 'ALTER DATABASE victim RENAME TO renamed', 8);
ok_during_visit('renamed', 'renamed', 'DROP EXTENSION pg_assist', 8);
is($node->safe_psql('renamed', "SELECT count(*) FROM pg_namespace WHERE nspname = 'assist'"), '0', 'nothing of it is left');
$node->safe_psql('renamed', 'CREATE EXTENSION pg_assist');
# There is no other version yet: the same one is a notice, and takes the same locks.
ok_during_visit('renamed', 'renamed', 'ALTER EXTENSION pg_assist UPDATE', 8);
ok_during_visit('renamed', 'postgres', 'DROP DATABASE renamed', 8);
$node->safe_psql('postgres', 'DROP DATABASE copy');

# Death of the launcher and of an analyst: the server restarts its processes, and both come again.
make_victim('victim');
for my $which ('launcher', 'analyst')
{
	wait_for_visit('victim');
	my $pid = worker_pid($node, $which);
	ok($pid, "$which runs");
	my $since = -s $node->logfile;
	kill 'KILL', $pid;
	wait_until(20, sub { !kill 0, $pid });
	ok(wait_until(60, sub { $node->psql('postgres', 'SELECT 1', stdout => \my $o, stderr => \my $e) == 0 }),
		"the server comes back after the $which was killed");
	isnt(wait_for_worker($node, 'launcher'), $pid, 'with a launcher');
	$node->safe_psql('victim', join ';', map { "SELECT b FROM t WHERE a = slow($_)" } 1 .. 50);
	ok(wait_for_visit('victim'), 'and an analyst');
	is(() = slurp_file($node->logfile, $since) =~ /was terminated by signal/g, 1, 'nothing else died');
}

# SIGTERM ends an analyst; the launcher sends another one.
my $pid = worker_pid($node, 'analyst');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 5000)");
ok(wait_until(30, sub { my $now = worker_pid($node, 'analyst'); $now ne '' && $now ne $pid }), 'a terminated analyst is followed by another');

# assist.interval = 0 turns the analyst off, by reload.
wait_for_visit('victim');
$node->safe_psql('postgres', 'ALTER SYSTEM SET assist.interval = 0');
$node->reload;
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE 'pg_assist analyst%'");
sleep 3;
is(worker_pid($node, 'analyst'), '', 'interval 0: no analyst');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET assist.interval');
$node->reload;

# Fast shutdown in the middle of a visit.
ok(wait_for_visit('victim'), 'an analyst works again');
my $started = time;
$node->stop('fast');
cmp_ok(time - $started, '<', 5, 'fast shutdown does not wait for the analyst');
unlike(slurp_file($node->logfile), qr/PANIC|signal 11|signal 6/, 'no crash of our own');
done_testing();
