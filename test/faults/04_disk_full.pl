# No space for the state file, nor for the tables of recommendations: what was observed goes on, users' statements
# succeed, and all is as before when there is space again.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Assist;
use Fault;

my $node = interposed(sub {
	return new_node('full', conf => <<'CONF');
assist.interval = 0
assist.sample_rate = 1
dynamic_shared_memory_type = mmap
CONF
});
my $state = $node->data_dir . '/pg_stat/pg_assist.stat';
my $columns = join ', ', map { "column_with_a_long_name_$_ int" } 0 .. 99;
$node->safe_psql('postgres', qq{
	CREATE TABLE wide ($columns);
	CREATE TABLE t (a int, b text, c int);
	INSERT INTO t SELECT g, repeat('x', 100), g FROM generate_series(1, 20000) g;
	CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a); CREATE INDEX t_ac ON t (a, c);
	ANALYZE t;
	SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0}')});
# Some 2 kB of text and as much of plan for each.
$node->safe_psql('postgres', join ';', map { 'SELECT ' . join(', ', map { "column_with_a_long_name_$_" } 0 .. $_) . ' FROM wide' } 30 .. 99);

sub known { return observer($node, q{SELECT coalesce(sum(calls), 0) FROM assist.statements WHERE query LIKE '%FROM wide'}) }
sub gaps { return observer($node, q{SELECT count(*) FROM assist.status WHERE component = 'gap'}) }

# --- the state file
$node->stop;
cmp_ok(-s $state, '>', 200_000, 'there is much to save');
interposed(sub { $node->start });
is(known(), '70', 'and it comes back');

# Stops the server while FAULT holds, for REASON. The next start has what was saved last, and a recorded gap.
sub stop_with
{
	my ($what, $reason, $fault, $over) = @_;
	my ($since, $before) = (-s $node->logfile, gaps());
	$node->safe_psql('postgres', 'SELECT column_with_a_long_name_7 FROM wide');
	$fault->();
	$node->stop;
	$over->() if $over;
	my $log = slurp_file($node->logfile, $since);
	like($log, qr/LOG:  could not write file "pg_stat\/pg_assist\.stat\.tmp": $reason/, "$what: the log says so");
	unlike($log, qr/FATAL(?!:  terminating)|PANIC|TRAP/, "$what: the shutdown is as ever");
	ok(!-e "$state.tmp" && !-e $state, "$what: there is no half file");
	interposed(sub { $node->start });
	is(known(), '70', "$what: what was saved before is there");
	is(gaps(), $before + 1, "$what: the gap is recorded");
	return;
}

stop_with('ENOSPC', 'No space left on device', sub { set_full('pg_stat/pg_assist') }, sub { set_full('') });
cmp_ok(refused_writes(), '>', 0, 'ENOSPC: writes were refused');

# stdio writes what is left when it closes the file: nothing fits into /dev/full.
stop_with('ENOSPC at its end', 'No space left on device', sub { symlink('/dev/full', "$state.tmp") or die $! });

# The postmaster's log is a file as well, and must have room.
stop_with('RLIMIT_FSIZE', 'File too large', sub {
	my $limit = 100_000 + -s $node->logfile;
	cmp_ok($limit, '<', -s "$state.loaded", 'the limit is below what is to be saved');
	my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	system('prlimit', "--fsize=$limit", '--pid', $pid) == 0 or die 'prlimit';
});

# No space at the start, neither: the server starts; what it could not write down is not forgotten.
$node->stop;
set_full('pg_stat/pg_assist');
interposed(sub { $node->start });
is(known(), '70', 'no space at the start: what was saved is there');
$node->safe_psql('postgres', 'SELECT column_with_a_long_name_8 FROM wide');
my $gaps = gaps();
$node->stop('immediate');
interposed(sub { $node->start });
is(known(), '70', 'and after an immediate shutdown, too');
is(gaps(), $gaps + 1, 'with its gap');
set_full('');
$node->restart;
is(gaps(), $gaps + 1, 'space again: a restart without another gap');
is(known(), '70', 'and nothing is lost');
interposed(sub { $node->restart });
sound_after($node, what => 'state file');

# --- the tables of recommendations: assist.refresh()
my $base = 'base/' . $node->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'postgres'}) . '/';
$node->safe_psql('postgres', join ';', map { "SELECT b FROM t WHERE c = $_" } 1 .. 30);
set_full($base);
my ($status, $out, $err) = try_sql($node, 'postgres', 'SELECT assist.refresh()');
like($err, qr/ERROR:  53100: could not extend file.*No space left/, 'refresh: an error of its own class');
($status, $out, $err) = try_sql($node, 'postgres', 'CREATE TABLE no_space AS SELECT 1 AS a');
like($err, qr/53100/, 'there is no space for anybody');

# In one session, so that what a failure leaves behind adds up. What needs no space goes on, exactly counted.
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $used = q{SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE parent = 'TopMemoryContext' AND name NOT LIKE 'Cache%'};
my @used;
for my $n (1 .. 40)
{
	$session->query('SELECT assist.refresh()');
	$session->{stderr} = '';
	push @used, $session->query_safe($used) if $n % 20 == 0;
}
cmp_ok($used[1], '<', $used[0] + 50_000, "refresh: nothing is left in memory (@used bytes)");
$session->query_safe("SELECT c FROM t WHERE a = $_") for 1 .. 20;
is(calls_of($node, 'SELECT c FROM t WHERE a = %'), '20', 'users\' statements succeed and are counted');
$session->quit;
is(observer($node, 'SELECT count(*) FROM assist.all_recommendations'), '0', 'no half result');
set_full('');
cmp_ok($node->safe_psql('postgres', 'SELECT assist.refresh()'), '>', 1, 'refresh: works when there is space');
$node->safe_psql('postgres', 'DELETE FROM assist.recommendation; DELETE FROM assist.action_log; VACUUM FULL assist.recommendation');

# --- the same when the analyst visits
my $since = -s $node->logfile;
set_full($base);
$node->safe_psql('postgres', q{ALTER SYSTEM SET assist.interval = 1});
$node->reload;
sub analyst { my ($condition) = @_; return $node->poll_query_until('postgres', "SELECT $condition FROM assist.status WHERE component = 'analyst'") }
ok(analyst(q{state = 'failing'}), 'analyst: fails');
like(status_of($node, 'analyst', 'last_error'), qr/database postgres: could not extend file .*No space left on device/, 'analyst: assist.status says why');
for (1 .. 3)
{
	my $last = status_of($node, 'analyst', 'last_run');
	ok(analyst("state = 'failing' AND last_run > '$last'"), 'analyst: tries again');
}
$node->safe_psql('postgres', "SELECT c FROM t WHERE a = $_") for 1 .. 10;
is(calls_of($node, 'SELECT c FROM t WHERE a = %'), '30', 'analyst: users\' statements succeed and are counted');
my @lines = slurp_file($node->logfile, $since) =~ /(LOG:  pg_assist could not analyze database "postgres": .*)/g;
is(scalar @lines, 1, 'analyst: the log says it once') or diag join "\n", @lines;
like($lines[0] // '', qr/No space left on device/, 'analyst: and why');
set_full('');
ok(analyst(q{state = 'idle'}), 'analyst: goes on when there is space');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 1 FROM assist.recommendation WHERE status = 'open'}), 'analyst: recommends');
sound_after($node, what => 'tables', since => $since);
stop_clean($node);
done_testing();
