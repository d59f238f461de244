# A hundred restarts under load, fast, immediate and smart in turn, with clients that come back at once. Over a clean
# one nothing is lost; after an immediate one the server has what it had at its last start, and a gap more.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use Assist;
use Fault;

my $restarts = $ENV{FAULT_RESTARTS} // 100;
my $clients = 3;

# The log without statements: there are many.
my $node = new_node('restarts', conf => <<'CONF');
assist.interval = 1
assist.max_statements = 200
dynamic_shared_memory_type = mmap
log_statement = none
log_min_error_statement = panic
CONF
my $columns = join ', ', map { "c$_ int" } 0 .. 9;
$node->safe_psql('postgres', qq{
	CREATE TABLE w ($columns); INSERT INTO w VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	CREATE TABLE answered (client int, n int);
	CREATE TABLE quiet (a int)});

# Clients: a session of a few statements after the other, whatever becomes of them.
my $dir = PostgreSQL::Test::Utils::tempdir;
my $stop = "$dir/stop";
my @pids;
for my $client (1 .. $clients)
{
	for my $n (0 .. 39)
	{
		my ($tens, $ones) = (int($n / 10), $n % 10);
		append_to_file("$dir/$client.sql", "INSERT INTO answered VALUES ($client, $n);\n"
			  . "SELECT c$client, c$tens, c$ones FROM w WHERE c0 = $n;\n"
			  . "SELECT 1 / (c0 - c0) FROM w;\n"
			  . "BEGIN; UPDATE w SET c9 = $n WHERE c0 = 1; COMMIT;\n");
	}
	my $pid = fork // die $!;
	if ($pid == 0)
	{
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		my @psql = ('psql', '-XqAt', '-d', $node->connstr('postgres'), '-f', "$dir/$client.sql");
		while (!-e $stop) { system(@psql) == 0 or sleep 0.05 }
		POSIX::_exit(0);
	}
	push @pids, $pid;
}

# Executions of a statement that only the test runs: what must be exact.
sub quiet { return observer($node, q{SELECT coalesce(sum(calls), 0) FROM assist.statements WHERE query LIKE 'SELECT a FROM quiet%'}) }
sub gaps { return observer($node, q{SELECT count(*) || ' ' || coalesce(max(last_run)::text, 'none') FROM assist.status WHERE component = 'gap'}) }

# (calls of the clients' INSERT, how many of them were committed). None is between its end and its commit meanwhile.
sub loaded
{
	return split /\|/, observer($node, q{
		BEGIN; LOCK TABLE answered IN EXCLUSIVE MODE;
		SELECT (SELECT coalesce(sum(calls), 0) FROM assist.statements WHERE query LIKE 'INSERT INTO answered%'), (SELECT count(*) FROM answered);
		COMMIT});
}

my $known = 0;      # at the last start
my $clean = 0;      # clean restarts since the last gap
my ($wrong_quiet, $wrong_gap, $wrong_load, $last_gap) = ('', '', '', 'none');
my ($calls_at_gap, $rows_at_gap) = (0, 0);
my @modes = ('fast', 'immediate', 'fast', 'fast', 'immediate', 'immediate', 'smart', 'fast', 'immediate', 'smart');
my $began = time;
for my $n (1 .. $restarts)
{
	my $mode = $modes[ $n % @modes ];
	my $some = 1 + $n % 5;
	$node->safe_psql('postgres', join ';', map { "SELECT a FROM quiet WHERE a = $_" } 1 .. $some);
	my $before = quiet();
	$wrong_quiet .= " $n:$before" if $before != $known + $some;
	$node->stop($mode);
	$node->start;
	my $after = quiet();
	my $gap = gaps();
	if ($mode eq 'immediate')
	{
		$wrong_quiet .= " $n:$after/immediate" if $after != $known;
		$wrong_gap .= " $n:none" if $gap eq $last_gap;
		($calls_at_gap, $rows_at_gap, $clean) = (loaded(), 0);
	}
	else
	{
		$wrong_quiet .= " $n:$after/$mode" if $after != $before;
		$wrong_gap .= " $n:$gap/$mode" if $gap ne $last_gap && $n > 1;
		++$clean;
		# At each restart, one execution of each client may be counted and not committed.
		my ($calls, $rows) = loaded();
		my $surplus = ($calls - $calls_at_gap) - ($rows - $rows_at_gap);
		$wrong_load .= " $n:$surplus" if $surplus < 0 || $surplus > $clients * $clean;
	}
	($known, $last_gap) = ($after, $gap);
}
note sprintf '%d restarts in %.1f s', $restarts, time - $began;
is($wrong_quiet, '', "$restarts restarts: counts are exact over clean ones, and as of the last start over others");
is($wrong_gap, '', 'every immediate one left a gap, and no other');
is($wrong_load, '', 'what clients did is counted, but for what was in flight');
my (undef, $rows) = loaded();
cmp_ok($rows, '>', $restarts, "there was load ($rows rows)");
append_to_file($stop, '');
waitpid $_, 0 for @pids;

my $log = slurp_file($node->logfile);
unlike($log, qr/WARNING:  .*pg_assist/, 'no state file was set aside');
unlike($log, qr/could not (write|read|rename) file "pg_stat/, 'each was written and read');
unlike($log, qr/ (ERROR|FATAL):  (?!division by zero|terminating|the database system|canceling|could not serialize)/, 'nobody saw another error');
is(scalar(() = $log =~ /issuing SIGKILL/g), 0, 'no worker had to be killed at an immediate shutdown');
sound_after($node, what => 'after all of them');
ok($node->poll_query_until('postgres', q{SELECT state = 'idle' FROM assist.status WHERE component = 'analyst'}), 'the analyst comes');
stop_clean($node);
done_testing();
