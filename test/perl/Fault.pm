# What the tests of faults share: the machine's own faults (interpose.c), and what must be true after each.
package Fault;

use strict;
use warnings FATAL => 'all';
use Exporter 'import';
use Fcntl;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use Assist;

our @EXPORT = qw(interposed set_clock set_full refused_writes status_of back observer accounted sound_after stop_clean
  pgbench_start pgbench_finish);

my ($library, $control);

# Runs CODE, which starts a server, so that set_clock and set_full work on it.
sub interposed
{
	my ($code) = @_;
	if (!defined $library)
	{
		my $dir = PostgreSQL::Test::Utils::tempdir;
		($library, $control) = ("$dir/interpose.so", "$dir/interpose.control");
		my $source = dirname(__FILE__) . '/../faults/interpose.c';
		system('cc', '-O1', '-shared', '-fPIC', '-o', $library, $source, '-ldl') == 0 or die 'interpose.c does not compile';
		put_control(0, pack('q q a4080', 0, 0, ''));
	}
	local $ENV{LD_PRELOAD} = $library;
	local $ENV{ASSIST_INTERPOSE} = $control;
	return $code->();
}

# In place, for it is mapped.
sub put_control
{
	my ($at, $bytes) = @_;
	sysopen(my $file, $control, O_RDWR | O_CREAT) or die $!;
	sysseek $file, $at, 0;
	syswrite($file, $bytes) == length $bytes or die $!;
	close $file;
	return;
}

# The server's time of day is so many seconds ahead.
sub set_clock { my ($seconds) = @_; return put_control(0, pack 'q', $seconds) }

# No file whose path contains this grows any more; '' = all do again.
sub set_full { my ($part) = @_; return put_control(16, pack 'a256', $part) }

# Writes refused since the server started.
sub refused_writes { return unpack 'x8 q', slurp_file($control) }

# The first process of the server: it is nobody's child by now.
sub postmaster_pid { my ($node) = @_; return (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0] }

# The server takes connections, within a minute.
sub back
{
	my ($node) = @_;
	return wait_until(60, sub { $node->psql('postgres', 'SELECT 1', stdout => \my $o, stderr => \my $e) == 0 });
}

# Runs SQL that is not counted itself.
sub observer
{
	my ($node, $sql) = @_;
	local $ENV{PGOPTIONS} = '-c assist.track=none';
	return $node->safe_psql('postgres', $sql);
}

# A column of the line of a component in assist.status.
sub status_of
{
	my ($node, $component, $column) = @_;
	return observer($node, "SELECT $column FROM assist.status WHERE component = '$component'");
}

# All executions that pg_assist knows of, the account of what it could not keep included.
sub accounted
{
	my ($node) = @_;
	return observer($node, q{
		SELECT (SELECT coalesce(sum(calls + errors), 0) FROM assist.statements)
		     + (SELECT lost_calls FROM assist.status WHERE component = 'statements')});
}

my $serial = 0;

# After a fault: the server is up, counts exactly from here, both workers are there, no lock is left, nothing crashed.
# what => TEXT, since => POSITION in the log, signals => NUMBER of processes that the test itself killed,
# workers => LIST.
sub sound_after
{
	my ($node, %how) = @_;
	my $what = $how{what};
	ok(back($node), "$what: the server is up");
	my $table = sprintf 'sound_%d_%d', $$, ++$serial;
	$node->safe_psql('postgres', join ';', "CREATE TABLE $table (a int)", map { "SELECT a FROM $table WHERE a = $_" } 1 .. 17);
	is(calls_of($node, "SELECT a FROM $table %"), '17', "$what: counting is exact");
	$node->safe_psql('postgres', "DROP TABLE $table");
	for my $worker (@{ $how{workers} // [ 'collector', 'launcher' ] })
	{
		ok(wait_until(30, sub { worker_pid($node, $worker) ne '' }), "$what: the $worker runs");
	}
	# Whoever is at work has locks, the analyst among them: what is left is what others have for longer than a moment.
	my $locks = q{
		SELECT backend_type, state, l.* FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
		 WHERE a.state IS DISTINCT FROM 'active' AND locktype IN ('relation', 'object', 'advisory', 'tuple')};
	ok(wait_until(30, sub { observer($node, $locks) eq '' }), "$what: no lock is left") or diag observer($node, $locks);
	my $log = slurp_file($node->logfile, $how{since} // 0);
	unlike($log, qr/PANIC|TRAP/, "$what: no crash of our own");
	is(() = $log =~ /was terminated by signal/g, $how{signals} // 0, "$what: nothing died");
	return;
}

# Stops the server; nothing of it is left: no process, no System V or POSIX shared memory, no DSA segment.
sub stop_clean
{
	my ($node, $mode) = @_;
	my $postmaster = postmaster_pid($node);
	my ($segment) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^\s*\d+\s+(\d+)\s*$/m;
	my %shared;
	for my $pid ($postmaster, children_of($postmaster))
	{
		open(my $maps, '<', "/proc/$pid/maps") or next;
		while (<$maps>) { $shared{$1} = 1 if m{(/dev/shm/PostgreSQL\.\d+)} }
	}
	my @processes = ($postmaster, children_of($postmaster));
	$node->stop($mode // 'fast');
	# pg_ctl waits for the postmaster's file to be gone, not for its process.
	ok(wait_until(30, sub { !grep { is_alive($_) } @processes }), 'stopped: no process is left');
	is(join(' ', grep { -e } sort keys %shared), '', 'stopped: no POSIX shared memory is left');
	my @own = grep { defined $segment && /^\s*\d+\s+$segment\s/ } split /\n/, slurp_file('/proc/sysvipc/shm');
	is("@own", '', 'stopped: no System V shared memory is left');
	my @dynamic = grep { !/^\.\.?$/ } slurp_dir($node->data_dir . '/pg_dynshmem');
	is("@dynamic", '', 'stopped: no dynamic segment is left');
	return;
}

# A zombie is for its parent to take note of.
sub is_alive
{
	my ($pid) = @_;
	open(my $stat, '<', "/proc/$pid/stat") or return 0;
	return (<$stat> // '') =~ /^\d+ \(.*\) [^ZX]/;
}

sub children_of
{
	my ($parent) = @_;
	return grep { /\d/ } split ' ', slurp_file("/proc/$parent/task/$parent/children");
}

# pgbench with these arguments, in the background; pgbench_finish returns how many transactions it made.
sub pgbench_start
{
	my ($node, $script, @arguments) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir . '/script.sql';
	append_to_file($file, $script);
	my %load = (out => '');
	$load{run} = IPC::Run::start([ 'pgbench', '-n', '-f', $file, @arguments, $node->connstr('postgres') ], '>', \$load{out}, '2>&1');
	return \%load;
}

sub pgbench_finish
{
	my ($load) = @_;
	$load->{run}->finish;
	$load->{out} =~ /number of transactions actually processed: (\d+)/ or die $load->{out};
	return $1;
}

1;
