# Every part of the shared memory used up: statements, plans, predicates, errors, the arena of texts, the slots of
# sessions, and the server's own lock table. Users' statements succeed, all executions are accounted for in
# assist.status, and a reset gives everything back.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Assist;
use Fault;

my $node = new_node('used_up', conf => <<'CONF');
max_connections = 20
superuser_reserved_connections = 2
max_locks_per_transaction = 10
autovacuum = on
autovacuum_naptime = 1
max_parallel_workers = 8
max_parallel_workers_per_gather = 2
assist.interval = 0
assist.sample_rate = 1
assist.max_overhead = 100
assist.sample_parameters = on
assist.max_statements = 100
assist.text_memory = 1MB
assist.max_text_length = 64kB
dynamic_shared_memory_type = mmap
CONF
my $columns = join ', ', map { "c$_ int" } 0 .. 9;
$node->safe_psql('postgres', qq{
	CREATE TABLE w ($columns);
	INSERT INTO w SELECT g, g, g, g, g, g, g, g, g, g FROM generate_series(1, 100) g;
	CREATE INDEX ON w (c0); CREATE INDEX ON w (c1); CREATE INDEX ON w (c2); CREATE INDEX ON w (c0, c1);
	ANALYZE w;
	CREATE FUNCTION fails(code text) RETURNS int LANGUAGE plpgsql AS \$\$ BEGIN RAISE 'failed' USING ERRCODE = code; END \$\$});

sub line { my ($component) = @_; return split /\|/, status_of($node, $component, 'state, memory_used, memory_limit, evictions, lost_calls, detail') }

# Runs CODE, which returns how many statements it executed: so many more are accounted for.
sub exact
{
	my ($what, $code) = @_;
	my $before = accounted($node);
	my $done = $code->();
	is(accounted($node) - $before, $done, "$what: all $done executions are accounted for");
	return;
}

# Statements of one session each, whose errors are as expected; at once.
sub sessions
{
	my @scripts = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir;
	my @runs;
	for my $n (0 .. $#scripts)
	{
		append_to_file("$dir/$n.sql", $scripts[$n]);
		push @runs, IPC::Run::start([ 'psql', '-XqAt', '-o', '/dev/null', '-d', $node->connstr('postgres'), '-f', "$dir/$n.sql" ], '2>', "$dir/$n.err");
	}
	$_->finish for @runs;
	return join '', map { slurp_file("$dir/$_.err") } 0 .. $#scripts;
}

sub distinct_statement { my ($n) = @_; return 'SELECT ' . join(', ', map { "c$_" } split //, sprintf('%04d', $n)) . ' FROM w WHERE c0 = 5' }

# --- statements
exact('statements', sub {
	# Every tenth fails: c0 is 5.
	my @scripts = map { my $s = $_; join '', map { distinct_statement(1000 * $s + $_) . ($_ % 10 ? '' : ' AND 1 / (c0 - 5) = 1') . ";\n" } 1 .. 1000 } 0 .. 3;
	is(() = sessions(@scripts) =~ /ERROR:  (?!division by zero)/g, 0, 'statements: no error of ours');
	return 4000;
});
my ($state, $used, $limit, $evictions, $lost) = line('statements');
is($state, 'full', 'statements: assist.status says so');
is($used, $limit, 'statements: no more than there is room for');
cmp_ok($evictions, '>', 3000, 'statements: evictions are counted');
cmp_ok($lost, '>', 3000, 'statements: and what they had counted');

# --- plans: more of them than there is room for, of statements that all fit
$node->safe_psql('postgres', 'SELECT assist.reset()');
exact('plans', sub {
	my (@scripts, $n);
	for my $s (0 .. 1)
	{
		my $script = '';
		for my $off ('enable_seqscan', 'enable_indexscan', 'enable_bitmapscan', 'enable_sort', 'enable_hashagg', 'enable_nestloop', 'enable_hashjoin', 'enable_mergejoin')
		{
			$script .= "SET $off = off;\n";
			$script .= 'SELECT a.c' . ($_ % 10) . ', count(*) FROM w a JOIN w b ON a.c0 = b.c1 WHERE a.c' . int($_ / 10) . " > 7 GROUP BY 1 ORDER BY 1;\n" for 0 .. 39;
			$script .= "RESET $off;\n";
			$n += 42;
		}
		push @scripts, $script;
	}
	is(sessions(@scripts), '', 'plans: no error');
	return $n;
});
sleep 2;    # the collector has taken them
($state, $used, $limit, $evictions) = line('plans');
cmp_ok($used, '<=', $limit, 'plans: no more than there is room for');
cmp_ok($evictions, '>', 0, 'plans: evictions are counted');
is(observer($node, q{SELECT count(*) FROM assist.plans p JOIN assist.statements s USING (userid, dbid, queryid, toplevel) WHERE p.calls > s.calls}),
	'0', 'plans: none has more calls than its statement');

# --- predicates
$node->safe_psql('postgres', 'SELECT assist.reset()');
exact('predicates', sub {
	my @all;
	for my $a (0 .. 8) { for my $b (0 .. 9) { push @all, "SELECT a.c$a, count(*) FROM w a JOIN w b ON a.c$a = b.c$b WHERE a.c$a % 3 = 1 AND b.c$b < 50 GROUP BY a.c$a ORDER BY 2" } }
	is(sessions(join('', map { "$_;\n" } @all), join('', map { "$_;\n" } reverse @all)), '', 'predicates: no error');
	return 180;
});
sleep 2;
($state, $used, $limit) = line('predicates');
is("$state $used", "full $limit", 'predicates: assist.status says so');
like((line('texts'))[5], qr/ and [1-9]\d* predicates could not be kept/, 'predicates: those that found no room are counted');

# --- errors: one statement fails in more ways than are kept
$node->safe_psql('postgres', 'SELECT assist.reset()');
exact('errors', sub {
	my $errors = sessions(join '', map { sprintf "SELECT fails('%05d');\n", 10000 + $_ } 0 .. 399);
	is(() = $errors =~ /ERROR:  failed/g, 400, 'errors: users see theirs');
	return 400;
});
($state, $used, $limit) = line('errors');
is("$state $used", "full $limit", 'errors: assist.status says so');
is(observer($node, q{SELECT errors FROM assist.statements WHERE query LIKE 'SELECT fails(%'}), '400', 'errors: the statement counts them all');
is(observer($node, q{SELECT count(*) FROM assist.errors}), '268', 'errors: as many SQLSTATEs as there is room for');

# --- the arena: texts, plans and samples of 64 kB
$node->safe_psql('postgres', 'SELECT assist.reset()');
is(status_of($node, 'texts', 'memory_used < 20000'), 't', 'arena: empty after a reset');
exact('arena', sub {
	my @scripts;
	for my $s (0 .. 3)
	{
		my $script = '';
		for my $n (0 .. 19)
		{
			my $digits = sprintf '%03d', 20 * $s + $n;
			my $list = join ', ', map { "c$_" } split //, $digits;
			$script .= "SELECT $list, " . join(' || ', map { "repeat(c$_ % 10 || 'text', 1) || 'a long constant of a text'" } map { $_ % 10 } 0 .. 700) . " FROM w WHERE c0 = 1;\n";
		}
		push @scripts, $script x 3;
	}
	is(sessions(@scripts), '', 'arena: no error');
	return 4 * 20 * 3;
});
($state, $used, $limit, $evictions, $lost, my $detail) = line('texts');
is($state, 'some lost', 'arena: assist.status says so');
like($detail, qr/^[1-9]\d* texts /, 'arena: and how many');
cmp_ok($used, '<=', $limit, 'arena: no more than there is room for');
is(observer($node, q{SELECT sum(calls) FROM assist.statements WHERE calls = 3}), '240', 'arena: counts need no text');
# Who comes then finds a place as soon as others give way.
$node->safe_psql('postgres', 'SELECT assist.reset()');
$node->safe_psql('postgres', 'SELECT c3 FROM w WHERE c3 = 3');
is(calls_of($node, 'SELECT c3 FROM w WHERE %'), '1', 'arena: texts again after a reset');
# What is left after everything was forgotten and nobody ran anything would be a leak.
observer($node, 'SELECT assist.reset()');
ok(wait_until(30, sub { observer($node, 'SELECT assist.reset()'); return status_of($node, 'texts', 'memory_used') eq '0' }), 'arena: nothing leaks')
  or diag observer($node, 'SELECT * FROM assist.status');
for my $part ('statements', 'plans', 'predicates', 'errors')
{
	is((line($part))[1], '0', "$part: nothing leaks");
}

# --- every connection there is, with parallel workers and autovacuum beside them
exact('sessions', sub {
	my @open = map { $node->background_psql('postgres', on_error_stop => 0) } 1 .. 19;
	my $n = 0;
	for my $round (0 .. 4)
	{
		for my $s (0 .. $#open) { $open[$s]->query_safe(distinct_statement(10 * $s + $round)); ++$n }
	}
	$open[0]->query_safe('SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_tuple_cost = 0');
	$open[0]->query_safe("SELECT count(c0 % $_) FROM w") for 1 .. 5;
	$n += 8;
	my ($status, $out, $err) = (0, '', '');
	my $last = $node->background_psql('postgres', on_error_stop => 0);
	$status = $node->psql('postgres', 'SELECT 1', stdout => \$out, stderr => \$err);
	like($err, qr/too many clients/, 'sessions: all connections are taken');
	$last->query_safe('SELECT c1 FROM w WHERE c1 = 1');
	$_->quit for $last, @open;
	return $n + 1;
});
like((line('shared memory'))[5], qr/^\d+ backends' slots/, 'sessions: each has its slot');

# --- the server's lock table
# Locks of a session stay when the statement that takes them fails.
sub hold_all_locks
{
	local $ENV{PGOPTIONS} = '-c assist.track=none';
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query('SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 1000000) g');
	like($session->{stderr}, qr/out of shared memory/, 'locks: there are no more');
	return $session;
}
exact('locks', sub {
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe('SELECT c4 FROM w WHERE c0 = 1');
	my $holder = hold_all_locks();
	# What needs no entry of its own there goes on, measured or not.
	$session->query("SELECT c4 FROM w WHERE c0 = $_") for 1 .. 50;
	is($session->{stderr} =~ s/background_psql: .*\n//gr, '', 'locks: simple statements go on');
	$session->query('SELECT assist.refresh()');
	like($session->{stderr}, qr/ERROR:  out of shared memory/, 'locks: refresh says what is missing');
	$holder->quit;
	# Inside refresh statements are not counted.
	$session->quit;
	return 52;
});
# Enough to connect, and not to analyse.
my $holder = hold_all_locks();
$holder->query('SELECT count(pg_advisory_unlock(g)) FROM generate_series(1, 12) g');
$node->append_conf('postgresql.conf', 'assist.interval = 1');
$node->reload;
ok(wait_until(60, sub { slurp_file($node->logfile) =~ /LOG:  pg_assist could not analyze database "postgres": out of shared memory/ }),
	'locks: the log says that the analyst lacks them');
$holder->quit;
is(status_of($node, 'analyst', 'last_error'), 'database postgres: out of shared memory', 'locks: and assist.status');
ok($node->poll_query_until('postgres', q{SELECT state = 'idle' FROM assist.status WHERE component = 'analyst'}), 'locks: it works when there are locks again');
cmp_ok($node->safe_psql('postgres', 'SELECT assist.refresh()'), '>=', 0, 'locks: and refresh');
sound_after($node, what => 'all used up');
stop_clean($node);
done_testing();
