# SIGKILL, SIGSEGV and SIGSTOP of backends and workers in the middle of what they do.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('faults', conf => "assist.interval = 1\nassist.sample_rate = 1\nrestart_after_crash = on\n");
my $fault = $node->data_dir . '/assist_fault';

sub arm { open(my $file, '>', $fault) or die $!; print $file "@_\n"; close $file; return }

sub disarm { unlink $fault; return }

sub back
{
	return wait_until(60, sub { $node->psql('postgres', 'SELECT 1', stdout => \my $o, stderr => \my $e) == 0 });
}

$node->safe_psql('postgres', 'CREATE TABLE t (a int, b text); INSERT INTO t SELECT g, g::text FROM generate_series(1, 20000) g; ANALYZE t');
my $serial = 0;

# Statements of every kind that capture goes through: new texts, samples, more of them than a slot has places. What a session
# leaves it hands over itself; the collector takes from one that stays for a while.
sub work
{
	my $seconds = shift // 0;
	$serial++;
	$node->psql('postgres', "CREATE TABLE w_$serial (a int); " . join(';', map { 'SELECT ' . join(', ', ('a') x $_) . " FROM w_$serial" } 1 .. 150)
		  . "; SELECT b FROM t WHERE a = $serial; SELECT pg_sleep($seconds)", stdout => \my $o, stderr => \my $e);
	return;
}

# From a gap on, counting is exact.
sub exact
{
	my ($what) = @_;
	$serial++;
	$node->safe_psql('postgres', "CREATE TABLE x_$serial (a int); " . join ';', map { "SELECT a FROM x_$serial WHERE a = $_" } 1 .. 17);
	is(calls_of($node, "SELECT a FROM x_$serial %"), '17', "$what: counting is exact from there");
	return;
}

for my $point ('evict', 'text', 'sample', 'take', 'collector', 'launcher', 'read', 'plan', 'store')
{
	for my $signal ('kill', 'segv')
	{
		my $since = -s $node->logfile;
		arm($point, $signal, 0);
		work($point eq 'take' ? 3 : 0);
		ok(wait_until(30, sub { !-e $fault }), "$signal at $point: reached") or disarm();
		ok(wait_until(30, sub { slurp_file($node->logfile, $since) =~ /was terminated by signal/ }), "$signal at $point: seen");
		ok(back(), "$signal at $point: the server comes back");
		my $log = slurp_file($node->logfile, $since);
		is(() = $log =~ /was terminated by signal/g, 1, "$signal at $point: nothing else died");
		unlike($log, qr/PANIC|TRAP/, "$signal at $point: no crash of our own");
		wait_for_worker($node, 'collector');
		exact("$signal at $point");
	}
}
is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM assist.status WHERE component = 'gap'}), 't',
	'the gaps are recorded');

# Processes of the server that stand still. Others may end while this looks.
sub stopped
{
	my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my @found;
	for my $pid (split ' ', slurp_file("/proc/$postmaster/task/$postmaster/children"))
	{
		open(my $stat, '<', "/proc/$pid/stat") or next;
		push @found, $pid if (<$stat> // '') =~ /^\d+ \(.*\) T/;
	}
	return @found;
}

# A worker that stands still: others go on, and what it holds does not keep them.
for my $point ('collector', 'launcher', 'read', 'plan', 'store')
{
	arm($point, 'stop', 0);
	work();
	ok(wait_until(30, sub { !-e $fault }), "stop at $point: reached") or disarm();
	exact("stop at $point");
	my @stopped = stopped();
	is(scalar @stopped, 1, "stop at $point: one process stands still");
	kill 'CONT', @stopped;
	work();
}
disarm();

# Errors inside: the statement goes on, the next visit does the rest, nothing is left behind.
for my $point ('sample', 'read', 'plan', 'store')
{
	my $since = -s $node->logfile;
	arm($point, 'error', 0);
	work();
	sleep 2;
	disarm();
	exact("error at $point");
	unlike(slurp_file($node->logfile, $since), qr/PANIC|TRAP|was terminated/, "error at $point: no crash");
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.backend_type LIKE 'pg_assist%' AND l.locktype = 'relation' AND a.state = 'idle'}),
	'0', 'no lock is left');
$node->stop;
done_testing();
