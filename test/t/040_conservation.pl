# Conservation: executions issued by clients = recorded + counted as lost, exactly, under 50 sessions, churn of
# distinct statements in a store far too small for them, errors, time-outs, cancels and terminated sessions;
# with a paused collector, over a restart, and anew after a crash.
#
# CONSERVATION_STATEMENTS: distinct statements of the first load (20,000 unless set).
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use Assist;

my $distinct = $ENV{CONSERVATION_STATEMENTS} // 20000;
my $sessions = 50;
my @databases = ('postgres', 'second');

my $node = new_node('conservation', conf => <<'CONF');
max_connections = 100
assist.max_statements = 500
assist.text_memory = 1MB
assist.interval = 0
log_min_messages = panic
restart_after_crash = on
fsync = off
CONF
$node->safe_psql('postgres', 'CREATE DATABASE second');
my $columns = join ', ', map { "c$_ int" } 0 .. 9;
for my $database (@databases)
{
	$node->safe_psql($database, qq{
		CREATE TABLE w ($columns);
		INSERT INTO w VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
		CREATE FUNCTION nested(k int) RETURNS text LANGUAGE plpgsql AS \$\$
		BEGIN
			PERFORM c1 FROM w WHERE c0 = k;
			PERFORM 1 / (c0 - c0) FROM w;
			RETURN 'no error';
		EXCEPTION WHEN division_by_zero THEN RETURN 'caught';
		END \$\$;
		CREATE PROCEDURE steps() LANGUAGE plpgsql AS \$\$
		BEGIN
			FOR i IN 1 .. 3 LOOP
				UPDATE w SET c9 = c9 WHERE c0 = -i;
				IF i = 2 THEN ROLLBACK; ELSE COMMIT; END IF;
			END LOOP;
		END \$\$});
}

my $scripts = PostgreSQL::Test::Utils::tempdir;

# The n-th distinct statement: the digits of n name the columns that it reads, and query ids tell columns.
sub distinct_statement
{
	my ($n) = @_;
	return 'SELECT ' . join(', ', map { "c$_" } split //, sprintf('%05d', $n)) . ' FROM w';
}

# Writes the script of session S, with the distinct statements FROM .. TO - 1; returns the executions in it.
sub write_script
{
	my ($file, $s, $from, $to) = @_;
	open(my $out, '>', $file) or die $!;
	my $issued = 0;
	my $say = sub { my ($sql, $executions) = @_; print $out "$sql;\n"; $issued += $executions };
	my $k = 0;
	for my $n ($from .. $to - 1)
	{
		$say->(distinct_statement($n), 1);
		my $case = ++$k % 50;
		if ($case == 5) { $say->('SELECT 1 / (c0 - c0) FROM w', 1) }                  # fails in the executor
		elsif ($case == 10) { $say->('SELECT 1 / 0', 1) }                             # fails in the planner
		elsif ($case == 15) { $say->("SELECT nested($k)", 3) }                        # itself, one inside, one that fails inside
		elsif ($case == 20) { $say->('CALL steps()', 4) }                             # transactions inside
		elsif ($case == 25) { $say->('BEGIN', 1); $say->('SELECT c0 FROM w', 1); $say->('ROLLBACK', 1) }
		elsif ($case == 30)
		{
			$say->($_, 1)
			  for 'BEGIN', 'SAVEPOINT s', 'SELECT 2 / (c0 - c0) FROM w', 'ROLLBACK TO s', 'SELECT c1 FROM w', 'COMMIT';
		}
		elsif ($case == 35) { $say->('CREATE TEMP TABLE t (a int)', 1); $say->('DROP TABLE t', 1) }
		elsif ($case == 40)
		{
			$say->('PREPARE p(int) AS SELECT c0, c1, c2 FROM w WHERE c0 = $1', 0);    # shows as what it runs
			$say->("EXECUTE p($_)", 1) for 1 .. 3;
			$say->('DEALLOCATE p', 0);
		}
	}
	if ($s % 5 == 0)
	{
		$say->("SET statement_timeout = '2s'", 1);
		$say->('SELECT pg_sleep(60)', 1);
		$say->('SET statement_timeout = 0', 1);
	}
	# The last statement of some is cancelled, or their session terminated.
	$say->('SELECT pg_sleep(600)', 1) if $s % 10 == 3;
	$say->("SELECT c0, 'terminated' FROM w, pg_sleep(600)", 1) if $s % 10 == 7;
	close $out;
	return $issued;
}

# Runs the loads of all sessions at once and ends what sleeps. Returns what was issued.
sub run_load
{
	my ($first, $count) = @_;
	my ($issued, @pids) = (0);
	my $each = int($count / $sessions);
	for my $s (0 .. $sessions - 1)
	{
		$issued += write_script("$scripts/$s.sql", $s, $first + $s * $each, $first + ($s + 1) * $each);
	}
	for my $s (0 .. $sessions - 1)
	{
		my $pid = fork // die $!;
		if ($pid == 0)
		{
			open STDOUT, '>', '/dev/null';
			open STDERR, '>', '/dev/null';
			exec 'psql', '-XqAt', '-d', $node->connstr($databases[ $s % 2 ]), '-f', "$scripts/$s.sql";
		}
		push @pids, $pid;
	}
	my %running = map { $_ => 1 } @pids;
	my $end = time + 300;
	while (%running && time < $end)
	{
		for my $pid (keys %running) { delete $running{$pid} if waitpid($pid, 1) > 0 }
		# Every one of these executions is issued, too.
		$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid), pg_sleep(0.3) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%' AND wait_event = 'PgSleep'});
		$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT c0, ''terminated''%' AND wait_event = 'PgSleep'});
		$issued += 2;
	}
	is(scalar(keys %running), 0, 'all sessions ended');
	return $issued;
}

# What is accounted for; an execution of its own that comes after.
my $accounted = q{SELECT (SELECT sum(calls + errors) FROM assist.statements) + (SELECT lost_calls FROM assist.status WHERE component = 'statements')};

# Forgets everything; what is issued counts from the reset's own end on.
sub start_anew
{
	sleep 1.5;
	$node->safe_psql('postgres', 'SELECT FROM assist.reset()');
	return 1;
}

# Checks the account; returns what the check itself issued.
sub check_account
{
	my ($issued, $what) = @_;
	sleep 2.5 if $what !~ /paused/;    # the collector moves what it finds; then all stands still
	is($node->safe_psql('postgres', $accounted), $issued, "$what: issued = recorded + lost");
	return 1;
}

sub status_of { my ($column, $component) = @_; return $node->safe_psql('postgres', "SELECT $column FROM assist.status WHERE component = '$component'") }

# --- churn
my $started = time;
my $issued = start_anew();
$issued += run_load(0, $distinct);
note sprintf '%d executions in %.1f s', $issued, time - $started;
$issued += check_account($issued, 'churn');
cmp_ok(status_of('evictions', 'statements'), '>', $distinct / 2, 'the store was far too small');
is(status_of('memory_used <= memory_limit', 'texts'), 't', 'texts stay below their cap');
$issued += 2;
my $errors = $node->safe_psql('postgres', q{SELECT string_agg(DISTINCT sqlstate, ' ' ORDER BY sqlstate) FROM assist.errors});
$issued += 1;
like($errors, qr/22012/, 'errors are known by SQLSTATE');

# The errors of a statement are those of its SQLSTATEs.
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM assist.statements s
	  JOIN (SELECT userid, dbid, queryid, toplevel, sum(errors) AS errors FROM assist.errors GROUP BY 1, 2, 3, 4) e
	 USING (userid, dbid, queryid, toplevel)
	 WHERE e.errors > s.errors}), '0', 'no statement has more SQLSTATEs than errors');
$issued += 1;

# --- a paused collector
my $collector = wait_for_worker($node, 'collector');
kill 'STOP', $collector;
$issued += run_load(50000, 4000);
$issued += check_account($issued, 'paused collector');
kill 'CONT', $collector;
$issued += check_account($issued, 'collector goes on');

# --- the extended protocol, prepared and not
for my $mode ('extended', 'prepared', 'simple')
{
	append_to_file("$scripts/$mode.sql", "BEGIN;\nSELECT c0, c1 FROM w WHERE c0 = 1;\nINSERT INTO w (c0) VALUES (7);\nEND;\n");
	my ($out, $err);
	IPC::Run::run [ 'pgbench', '-n', '-M', $mode, '-c', 10, '-t', 50, '-f', "$scripts/$mode.sql", $node->connstr('second') ],
	  '>', \$out, '2>', \$err
	  or die $err;
	$issued += 10 * 50 * 4;
	$issued += check_account($issued, "protocol: $mode");
}

# --- sessions terminated anywhere in their work: of each, at most one execution may be undecided
my $clients = 10;
my @pids;
for my $s (1 .. $clients)
{
	open(my $out, '>', "$scripts/endless.$s.sql") or die $!;
	print $out distinct_statement($s * 7000 + $_), ";\n" for 1 .. 20000;
	close $out;
	my $pid = fork // die $!;
	if ($pid == 0)
	{
		open STDOUT, '>', "$scripts/endless.$s.out";
		open STDERR, '>', '/dev/null';
		$ENV{PGAPPNAME} = 'endless';
		exec 'psql', '-XqAt', '-d', $node->connstr('second'), '-c', 'DELETE FROM w WHERE c0 <> 1', '-f', "$scripts/endless.$s.sql";
	}
	push @pids, $pid;
}
sleep 2;
for (1 .. 50)
{
	my $left = $node->safe_psql('postgres', q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'endless'});
	$issued += 1;
	last if $left == 0;
	sleep 0.1;
}
waitpid $_, 0 for @pids;
my $answered = 0;
for my $s (1 .. $clients) { $answered += () = slurp_file("$scripts/endless.$s.out") =~ /^\d/mg }
cmp_ok($answered, '>', $clients, 'they had work done');
$answered += $clients;    # their DELETE
sleep 2.5;
my $account = $node->safe_psql('postgres', $accounted) - $issued;
cmp_ok($account, '>=', $answered, 'terminated: everything that was answered is accounted for');
cmp_ok($account, '<=', $answered + $clients, 'terminated: at most the execution in flight more');
$issued += $account + 1;

# --- a clean restart keeps the account
$node->restart;
wait_for_worker($node, 'collector');
$issued += check_account($issued, 'restart');
is($node->safe_psql('postgres', q{SELECT count(*) FROM assist.status WHERE component = 'gap'}), '0', 'and no gap');
$issued += 1;

# --- crashes: a gap, and exact from there
sub count_gaps { return $node->safe_psql('postgres', q{SELECT count(*) FROM assist.status WHERE component = 'gap'}) }

my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$collector = wait_for_worker($node, 'collector');
kill 'KILL', $pid;
ok(wait_until(60, sub { !kill(0, $pid) && $node->psql('postgres', 'SELECT 1', stdout => \my $o, stderr => \my $e) == 0 }),
	'the server is back after SIGKILL of a backend');
eval { $session->quit };
wait_for_worker($node, 'collector', $collector);
is(count_gaps(), '1', 'SIGKILL: a gap is recorded');
$issued = start_anew();
$issued += run_load(60000, 2000);
$issued += check_account($issued, 'after SIGKILL');

$node->stop('immediate');
$node->start;
wait_for_worker($node, 'collector');
is(count_gaps(), '2', 'immediate shutdown: another gap');
$issued = start_anew();
$issued += run_load(70000, 2000);
$issued += check_account($issued, 'after an immediate shutdown');
is(count_gaps(), '2', 'a reset does not hide the gaps');

$node->stop('fast');
unlike(slurp_file($node->logfile), qr/PANIC|signal 11|signal 6/, 'no crash of our own');
done_testing();
