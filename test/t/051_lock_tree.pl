# assist.lock_tree: who waits for which lock, and for whom.
use strict;
use warnings FATAL => 'all';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('locks', conf => "assist.interval = 0\nmax_prepared_transactions = 5\nmax_connections = 80\ntrack_activity_query_size = 100\ndeadlock_timeout = 30s\n");
$node->safe_psql('postgres', q{
	CREATE ROLE developer LOGIN;
	CREATE SCHEMA "Über"; CREATE TABLE "Über".t (a int PRIMARY KEY, b text);
	INSERT INTO "Über".t VALUES (1, 'x'), (2, 'x'), (3, 'x');
	CREATE TABLE plain (a int);
	GRANT USAGE ON SCHEMA "Über", assist TO developer;
	GRANT ALL ON "Über".t, plain TO developer;
	GRANT SELECT ON assist.lock_tree TO developer;
	GRANT EXECUTE ON FUNCTION assist._lock_tree(), assist.mask_query(text) TO developer});
sub ask { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
is(ask('SELECT count(*) FROM assist.lock_tree'), '0', 'nobody waits');

my %session;
# Opens a session and runs SQL in it. waits() runs some that has to wait, and goes on without it.
sub session
{
	my ($name, $sql, @options) = @_;
	my $s = $session{$name} = { psql => $node->background_psql('postgres', on_error_stop => 0, extra_params => \@options) };
	$s->{psql}->query("SET application_name = '$name'");
	$s->{pid} = $s->{psql}->query('SELECT pg_backend_pid()');
	$s->{psql}->query($sql);
	return;
}
sub waits { my ($name, $sql) = @_; $session{$name}{psql}->query_until(qr/going/, "\\echo going\n$sql;\n"); return ask_until($name) }
sub ask_until
{
	my ($name) = @_;
	return $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE pid = $session{$name}{pid} AND NOT granted");
}
# The lines of the tree with names for pids.
sub tree
{
	my ($columns) = @_;
	my $tree = ask("SELECT $columns FROM assist.lock_tree");
	for my $name (keys %session) { $tree =~ s/\b$session{$name}{pid}\b/$name/g }
	return $tree;
}

session('holder', q{BEGIN; UPDATE "Über".t SET b = 'secret' WHERE a = 1});
session($_, 'SELECT 1') for 'first', 'second', 'ddl', 'reader';
waits('first', q{UPDATE "Über".t SET b = 'another secret' WHERE a = 1});
waits('second', q{UPDATE "Über".t SET b = 'secret} . ' and so on' x 20 . q{' WHERE a = 1});    # pg_stat_activity cuts it
waits('ddl', q{ALTER TABLE "Über".t ADD c int});
waits('reader', q{SELECT b FROM "Über".t WHERE a = 2});
my @lines = split /\n/, tree('tree, depth, path, application_name, state, lock_type, lock_mode, lock_object, root_pid');
my ($ddl) = grep { /^ *ddl\|/ } @lines;
is($lines[0], 'holder|0|{holder}|holder|idle in transaction||||holder', 'the root holds and waits for nothing');
is($lines[1], '   first|1|{holder,first}|first|active|transactionid|ShareLock|"Über".t row (0,1)|holder', 'who waits for a row waits for its transaction');
is($lines[2], '      second|2|{holder,first,second}|second|active|tuple|ExclusiveLock|"Über".t row (0,1)|holder', 'the next one waits behind it');
like($ddl // '', qr/^ +ddl\|\d\|\{holder,.*ddl\}\|ddl\|active\|relation\|AccessExclusiveLock\|"Über"\.t\|holder$/, 'a change of the table');
like($lines[-1], qr/^ +reader\|\d\|\{holder,.*ddl,reader\}\|reader\|active\|relation\|AccessShareLock\|"Über"\.t\|holder$/, 'a reader waits for who waits ahead of it');
is(scalar @lines, 5, 'each once') or diag join "\n", @lines;
# The same as the server says.
is(ask(q{SELECT count(*) FROM assist.lock_tree WHERE depth > 0 AND
	(SELECT array_agg(x ORDER BY x) FROM unnest(blocked_by) x) IS DISTINCT FROM (SELECT array_agg(DISTINCT x ORDER BY x) FROM unnest(pg_blocking_pids(pid)) x)}), '0',
	'blocked_by is what pg_blocking_pids() says');
is(ask(q{SELECT bool_and(wait_time > 0 AND wait_time < 600000) FROM assist.lock_tree WHERE depth > 0}), 't', 'waits are measured in ms');
is(ask(q{SELECT bool_and(root_transaction_time > wait_time) FROM assist.lock_tree WHERE depth > 0}), 't', "the root's transaction is older");
is(ask(q{SELECT string_agg(query, ';' ORDER BY query) FROM assist.lock_tree WHERE query LIKE 'UPDATE%' AND application_name = 'first'}),
	'UPDATE "Über".t SET b = ? WHERE a = ?;', 'the statement, without its constants') or diag tree('*');
unlike(ask('SELECT * FROM assist.lock_tree'), qr/secret/, 'nowhere');

# Rights: others' statements are not for everybody.
my $seen = $node->safe_psql('postgres', 'SELECT query, state, root_transaction_time FROM assist.lock_tree WHERE depth = 0', extra_params => [ '-U', 'developer' ]);
is($seen, '<insufficient privilege>||', "a role without pg_read_all_stats sees who, not what");
my ($status, $out, $err) = try_sql($node, 'postgres', 'REVOKE ALL ON assist.lock_tree FROM developer; SET ROLE developer; SELECT * FROM assist.lock_tree');
like($err, qr/42501/, 'and nothing without a grant');

# In the history: the wait of each, and the root that is idle.
ok($node->poll_query_until('postgres', qq{SELECT count(DISTINCT pid) = 4 FROM assist.activity_history WHERE wait_event_type = 'Lock' AND blocked_by IS NOT NULL}), 'the history has who waits for whom');
is(ask("SELECT DISTINCT pid, blocked_by FROM assist.activity_history WHERE pid = $session{second}{pid} AND wait_event_type = 'Lock'"), "$session{second}{pid}|$session{first}{pid}", 'rightly');
$session{holder}{psql}->query('ROLLBACK');
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM assist.lock_tree'), 'when the root is gone, nobody waits');

# Advisory locks, a prepared transaction, another database.
$session{holder}{psql}->query('SELECT pg_advisory_lock(42), pg_advisory_lock(1, 2)');
waits('first', 'SELECT pg_advisory_lock(42)');
waits('second', 'SELECT pg_advisory_lock(1, 2)');
is(tree('tree, lock_type, lock_object'), "holder||\n   first|advisory|advisory lock 42\n   second|advisory|advisory lock (1, 2)", 'advisory locks');
$session{holder}{psql}->query('SELECT pg_advisory_unlock_all()');
$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM assist.lock_tree');
$session{holder}{psql}->query(q{BEGIN; LOCK TABLE plain; PREPARE TRANSACTION 'p'});
waits('reader', 'SELECT * FROM plain');
is(tree('tree, state, lock_object'), "0|prepared transaction|\n   reader|active|plain", 'a prepared transaction');
is($node->safe_psql('template1', 'CREATE EXTENSION pg_assist; SELECT lock_object FROM assist.lock_tree WHERE depth = 1') =~ s/\d+/N/r, 'relation N of database postgres', 'seen from another database');
ask(q{ROLLBACK PREPARED 'p'});

# A circle, before the server breaks it.
$session{first}{psql}->query(q{SELECT pg_advisory_unlock_all(); BEGIN; UPDATE "Über".t SET b = 'y' WHERE a = 1});
$session{second}{psql}->query(q{BEGIN; UPDATE "Über".t SET b = 'y' WHERE a = 2});
waits('first', q{UPDATE "Über".t SET b = 'z' WHERE a = 2});
waits('second', q{UPDATE "Über".t SET b = 'z' WHERE a = 1});
is(ask('SELECT string_agg(depth::text, $$,$$) FROM assist.lock_tree'), '0,1', 'a circle has a beginning');
ask("SELECT pg_terminate_backend($_->{pid})") for values %session;

# Many that wait: the tree is there at once, and as large as they are many.
my $many = $node->background_psql('postgres');
$many->query_safe('BEGIN; LOCK TABLE plain');
my $script = $node->basedir . '/wait.sql';
append_to_file($script, "BEGIN;\nLOCK TABLE plain;\nCOMMIT;\n");
my $run = IPC::Run::start([ 'pgbench', '-n', '-c', 60, '-t', 1, '-f', $script, $node->connstr('postgres') ], '>', \my $o, '2>', \my $e);
ok($node->poll_query_until('postgres', 'SELECT count(*) = 61 AND max(depth) = 1 AND max(cardinality(blocked_by)) = 60 FROM assist.lock_tree'), 'a queue of sixty');
$many->query_safe('COMMIT');
IPC::Run::finish($run);
unlike(slurp_file($node->logfile), qr/PANIC|was terminated by signal/, 'nothing crashed');
$node->stop;
done_testing();
