# Waits: the profile against the clients' clocks, what belongs to whom, rights, bounds, reset, restart, settings.
use strict;
use warnings FATAL => 'all';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('waits', conf => "assist.interval = 0\nassist.wait_interval = 10\nassist.max_overhead = 100\n");
$node->safe_psql('postgres', q{
	CREATE ROLE developer LOGIN;
	CREATE TABLE t (a int PRIMARY KEY, b int);
	INSERT INTO t SELECT g, 0 FROM generate_series(1, 300) g;
	GRANT ALL ON t TO developer;
	CREATE TABLE wide AS SELECT g AS a, repeat('x', 1500) AS b FROM generate_series(1, 600) g;
	ANALYZE t, wide;
	CREATE FUNCTION busy(seconds float8) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE until timestamptz := clock_timestamp() + seconds * interval '1 s';
	BEGIN WHILE clock_timestamp() < until LOOP END LOOP; END $$;
	CREATE FUNCTION naps(seconds float8) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_sleep(seconds) AS nested;
		BEGIN PERFORM pg_sleep(seconds), 1 / (a - a) FROM t WHERE a = 1; EXCEPTION WHEN division_by_zero THEN NULL; END;
		PERFORM busy(seconds);
	END $$;
	GRANT EXECUTE ON FUNCTION busy TO developer});

# Sessions that run SQL each, beside the test.
sub start
{
	my ($sql, %how) = @_;
	my %client = (out => '', err => '');
	# From a file: what is not read from a pipe of ours goes on by itself.
	my $file = PostgreSQL::Test::Utils::tempdir . '/client.sql';
	append_to_file($file, "\\timing on\n$sql\n");
	$client{run} = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') . ($how{options} // ''), '-f', $file ],
		'<', '/dev/null', '>', \$client{out}, '2>', \$client{err});
	return \%client;
}
# Waits until they have ended: what their statements took by their own clocks, ms. With a pattern: those whose output before
# the time matches it.
sub finish
{
	my @clients = @_;
	my $ms = 0;
	for my $client (@clients)
	{
		IPC::Run::finish($client->{run});
		is($client->{err}, '', 'a session ran without error') if $client->{err} ne '';
		$ms += $1 while $client->{out} =~ /^Time: ([\d.]+) ms/mg;
	}
	return $ms;
}
sub ask { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
# "wait_time samples" of the rows of assist.waits with the texts of their statements.
sub profile
{
	my ($where) = @_;
	return split /\|/, ask(qq{SELECT coalesce(sum(wait_time), 0), coalesce(sum(samples), 0)
		FROM assist.waits w LEFT JOIN assist.statements s USING (userid, dbid, queryid, toplevel) WHERE $where});
}
# One piece of work after the other until there are enough samples; then the profile is what the clients' clocks say.
sub accurate
{
	my ($what, $where, $work) = @_;
	$node->safe_psql('postgres', 'SELECT assist.reset()');
	my ($truth, $time, $samples) = (0, 0, 0);
	for (1 .. 40)
	{
		$truth += $work->();
		($time, $samples) = profile($where);
		last if $samples >= 2000;
	}
	cmp_ok($samples, '>=', 2000, "$what: there are enough samples");
	my $off = sprintf '%+.2f', 100 * ($time / $truth - 1);
	cmp_ok(abs($off), '<', 5, "$what: $samples samples say $time ms, the clients' clocks $truth ms: $off %");
	return;
}

accurate('sleeping', q{query = 'SELECT pg_sleep($1)' AND wait_event = 'PgSleep' AND wait_event_type = 'Timeout'}, sub {
	return finish(map { my $n = $_; start(join ";\n", map { 'SELECT pg_sleep(' . (0.02 + ($_ * 37 + $n * 11) % 180 / 1000) . ')' } 1 .. 25) } 1 .. 6);
});
accurate('on the processor', q{query = 'SELECT busy($1)' AND wait_event_type = 'CPU' AND wait_event = 'CPU'}, sub {
	return finish(map { start("SELECT busy(1.3);\nSELECT busy(0.7)") } 1 .. 3);
});
# One holds the row for two seconds; what the others' UPDATE takes is the wait.
accurate('waiting for a row', q{query LIKE 'UPDATE t SET b = %' AND wait_event_type = 'Lock'}, sub {
	my $holder = $node->background_psql('postgres');
	$holder->query_safe('BEGIN; UPDATE t SET b = b WHERE a = 1');
	my @waiting = map { start("UPDATE t SET b = $_ WHERE a = 1") } 1 .. 6;
	sleep 3;
	$holder->query_safe('COMMIT');
	my $ms = finish(@waiting);
	$holder->quit;
	return $ms;
});
accurate('waiting for a table', q{query LIKE 'LOCK TABLE t%' AND wait_event = 'relation'}, sub {
	my $holder = $node->background_psql('postgres');
	$holder->query_safe('BEGIN; LOCK TABLE t');
	my @waiting = map { start("\\timing off\nBEGIN;\n\\timing on\nLOCK TABLE t IN ACCESS SHARE MODE;\n\\timing off\nCOMMIT") } 1 .. 6;
	sleep 3;
	$holder->query_safe('COMMIT');
	my $ms = finish(@waiting);
	$holder->quit;
	return $ms;
});
# A table's lock is waited for while the statement is parsed, which has no query id yet.
accurate('waiting while being parsed', q{queryid IS NULL AND w.toplevel AND wait_event_type = 'Lock' AND wait_event = 'relation'}, sub {
	my $holder = $node->background_psql('postgres');
	$holder->query_safe('BEGIN; LOCK TABLE t');
	my @waiting = map { start("SELECT b FROM t WHERE a = $_") } 1 .. 6;
	sleep 3;
	$holder->query_safe('COMMIT');
	my $ms = finish(@waiting);
	$holder->quit;
	return $ms;
});

# Of nested statements the innermost one has the sample, also after errors that were caught.
$node->safe_psql('postgres', 'SELECT assist.reset()');
finish(map { start('SELECT naps(0.5)') } 1 .. 2);
is(ask(q{SELECT string_agg(DISTINCT concat_ws(' ', s.query, w.toplevel), ', ' ORDER BY concat_ws(' ', s.query, w.toplevel)) FROM assist.waits w LEFT JOIN assist.statements s USING (userid, dbid, queryid, toplevel)
	WHERE wait_event = 'PgSleep'}), 'SELECT pg_sleep(seconds) AS nested f, SELECT pg_sleep(seconds), $2 / (a - a) FROM t WHERE a = $3 f',
	'nested sleeps are those of the statements that sleep') or diag ask(q{SELECT w.*, s.query FROM assist.waits w LEFT JOIN assist.statements s USING (userid, dbid, queryid, toplevel)});
my ($busy) = profile(q{query = 'SELECT busy(seconds)' AND wait_event = 'CPU' AND NOT w.toplevel});
cmp_ok($busy, '>', 500, "and so is work ($busy ms)");
my ($around) = profile(q{query = 'SELECT naps($1)' AND w.toplevel});
cmp_ok($around, '<', 1000, "what is around them has only its own ($around ms)");
is(ask(q{SELECT bool_and(top.query = 'SELECT naps($1)') FROM assist.activity_history h JOIN assist.statements s USING (userid, dbid, queryid, toplevel)
	JOIN assist.statements top ON top.queryid = h.top_queryid AND top.toplevel WHERE NOT h.toplevel}), 't', 'the history says which statement of the client it was');

# A caught error: what goes on is what is around.
$node->safe_psql('postgres', q{SELECT assist.reset(); CREATE FUNCTION after_error() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE until timestamptz;
	BEGIN
		BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END;
		until := clock_timestamp() + interval '1 s';
		WHILE clock_timestamp() < until LOOP END LOOP;
	END $$});
finish(start('SELECT after_error()'));
($around) = profile(q{query = 'SELECT after_error()' AND w.toplevel});
cmp_ok($around, '>', 500, "after a caught error the outer statement goes on ($around ms)");

# Parallel workers: the leader's statement has their time.
$node->safe_psql('postgres', 'SELECT assist.reset()');
my $took = finish(start(q{\timing off
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
	\timing on
	SELECT count(pg_sleep(0.01)) FROM wide}));
my ($waited) = profile(q{query LIKE 'SELECT count(pg_sleep%' AND wait_event = 'PgSleep' AND w.toplevel});
# 600 sleeps of at least 10 ms.
cmp_ok($waited, '>', 5400, "parallel workers count ($waited ms in $took ms)");
is(ask(q{SELECT count(*) > 0 FROM assist.activity_history h JOIN assist.statements s USING (userid, dbid, queryid, toplevel) WHERE leader_pid IS NOT NULL AND query LIKE 'SELECT count(pg_sleep%'}),
	't', 'the history has them under their leader');

# The extended protocol, plain and prepared, and cursors.
$node->safe_psql('postgres', 'SELECT assist.reset()');
my $script = $node->basedir . '/sleep.sql';
append_to_file($script, "SELECT pg_sleep(0.1) FROM t WHERE a = 1;\n");
command_ok([ 'pgbench', '-n', '-M', $_, '-c', 2, '-t', 10, '-f', $script, $node->connstr('postgres') ], "pgbench -M $_") for 'extended', 'prepared';
($waited) = profile(q{query LIKE 'SELECT pg_sleep($1) FROM t WHERE a = %' AND wait_event = 'PgSleep' AND w.toplevel});
cmp_ok(abs($waited / 4000 - 1), '<', 0.25, "the extended protocol: $waited of 4000 ms");
my ($unknown) = profile(q{wait_event = 'PgSleep' AND query IS NULL});
cmp_ok($unknown, '<', 200, 'and no sleep is without its statement');
finish(start('BEGIN; DECLARE c CURSOR FOR SELECT pg_sleep(0.05), a FROM t; FETCH 10 FROM c; FETCH 10 FROM c; COMMIT'));
($waited) = profile(q{query LIKE '%pg_sleep($1), a FROM t' AND wait_event = 'PgSleep' AND NOT w.toplevel});
cmp_ok(abs($waited / 1000 - 1), '<', 0.5, "a cursor: $waited of 1000 ms") or diag ask('SELECT w.*, s.query FROM assist.waits w LEFT JOIN assist.statements s USING (userid, dbid, queryid, toplevel)');

# Idle sessions are not there, whether in a transaction or not.
my $idle = $node->background_psql('postgres');
$idle->query_safe('BEGIN');
my $idle_pid = $idle->query_safe('SELECT pg_backend_pid()');
$node->safe_psql('postgres', 'SELECT assist.reset()');
sleep 2;
is(ask(qq{SELECT count(*) FROM assist.activity_history WHERE pid = $idle_pid}), '0', 'an idle session is not in the history');
is(ask(q{SELECT count(*) FROM assist.waits WHERE wait_event = 'ClientRead'}), '0', 'nor in the profile');
# Unless another one waits for it.
$idle->query_safe('UPDATE t SET b = 1 WHERE a = 2');
my $waiting = start('SET application_name = patient; UPDATE t SET b = 2 WHERE a = 2');
ok($node->poll_query_until('postgres', qq{SELECT count(*) > 0 FROM assist.activity_history WHERE blocked_by = $idle_pid AND wait_event_type = 'Lock' AND application_name = 'patient' AND state = 'active'}),
	'who waits for whom is in the history');
is(ask(qq{SELECT DISTINCT state, query FROM assist.activity_history JOIN assist.statements USING (userid, dbid, queryid, toplevel) WHERE pid = $idle_pid}),
	'idle in transaction|UPDATE t SET b = $1 WHERE a = $2', 'and the session that held the lock, with its last statement');
$idle->query_safe('COMMIT');
$idle->quit;
finish($waiting);

# Without track_activities the server does not say what is active.
$node->safe_psql('postgres', 'SELECT assist.reset()');
finish(start('SET track_activities = off; SELECT pg_sleep(1), 5'));
($waited) = profile(q{query = 'SELECT pg_sleep($1), $2' AND wait_event = 'PgSleep'});
cmp_ok(abs($waited / 1000 - 1), '<', 0.25, "track_activities = off: $waited of 1000 ms");

# Rights: own samples, unless all statistics may be read.
finish(start('SELECT busy(1.5)'), start('SELECT busy(1.5)', options => " user='developer'"));
$node->safe_psql('postgres', q{
	GRANT USAGE ON SCHEMA assist TO developer;
	GRANT SELECT ON assist.waits, assist.activity_history TO developer;
	GRANT EXECUTE ON FUNCTION assist._waits(), assist._activity_history() TO developer});
for my $view ('waits', 'activity_history')
{
	my $sql = "SELECT count(*) > 0, coalesce(bool_and(userid = 'developer'::regrole), false) FROM assist.$view";
	is($node->safe_psql('postgres', $sql, extra_params => [ '-U', 'developer' ]), 't|t', "$view: one's own");
	is(ask($sql), 't|f', "$view: all for those who may read all");
}

# Reset of one statement, of one user, of all.
my $key = ask(q{SELECT userid || ', ' || dbid || ', ' || queryid FROM assist.waits JOIN assist.statements USING (userid, dbid, queryid, toplevel)
	WHERE query = 'SELECT busy($1)' AND userid = 'developer'::regrole LIMIT 1});
is(ask(qq{SELECT assist.reset($key); SELECT count(*) FROM assist.waits WHERE (userid, dbid, queryid) = ($key); SELECT count(*) FROM assist.activity_history WHERE (userid, dbid, queryid) = ($key)}),
	"\n0\n0", 'reset of one statement');
is(ask(q{SELECT count(*) > 0 FROM assist.waits WHERE wait_event = 'PgSleep'}), 't', 'leaves the others');
ask('SELECT assist.reset()');
is(ask(q{SELECT count(*) FROM assist.waits WHERE wait_event = 'PgSleep'}), '0', 'reset of all');

# The interval is that of the setting, at once; 0 turns it off.
sub set_interval { my ($value) = @_; ask("ALTER SYSTEM SET assist.wait_interval = '$value'"); ask('SELECT pg_reload_conf()'); return }
sub waits_status { return ask(q{SELECT state, detail FROM assist.status WHERE component = 'waits'}) }
set_interval('250ms');
ok(wait_until(30, sub { waits_status() =~ /^ok\|.*every 250 ms/ }), 'a longer interval after a reload') or diag waits_status();
set_interval(0);
ok(wait_until(30, sub { waits_status() =~ /^off\|/ }), '0 turns it off') or diag waits_status();
sleep 1;
ask('SELECT assist.reset()');
finish(start('SELECT pg_sleep(1)'));
is(ask('SELECT count(*) FROM assist.waits'), '0', 'and nothing is sampled');
ok(wait_for_worker($node, 'collector'), 'the collector does the rest');
set_interval('20ms');
ok(wait_until(30, sub { finish(start('SELECT pg_sleep(0.2)')); return (profile(q{wait_event = 'PgSleep'}))[1] > 5 }), 'and on again');

# A restart and a crash: it begins anew, and goes on.
$node->restart;
is(ask(q{SELECT count(*) FROM assist.waits WHERE wait_event = 'PgSleep'}), '0', 'a restart begins anew');
finish(start('SELECT pg_sleep(1)'));
($waited) = profile(q{query = 'SELECT pg_sleep($1)' AND wait_event = 'PgSleep'});
cmp_ok($waited, '>', 500, "after a restart: $waited ms");
my $collector = wait_for_worker($node, 'collector');
kill 'TERM', $collector;
wait_for_worker($node, 'collector', $collector);
finish(start('SELECT pg_sleep(1)'));
my ($more) = profile(q{query = 'SELECT pg_sleep($1)' AND wait_event = 'PgSleep'});
cmp_ok($more, '>', $waited + 500, "after the collector was ended: $more ms");
$node->stop;

# The profile is bounded: what is used least gives way, and sums lose nothing.
$node = new_node('bounded', conf => "assist.interval = 0\nassist.wait_interval = 10\nassist.max_overhead = 100\nassist.max_statements = 100\nassist.activity_samples = 5\n");
$node->safe_psql('postgres', 'CREATE TABLE t AS SELECT 0 AS c0, 1 AS c1, 2 AS c2, 3 AS c3, 4 AS c4, 5 AS c5, 6 AS c6, 7 AS c7, 8 AS c8, 9 AS c9');
finish(start('SELECT pg_sleep(1)'));
my $first = ask(q{SELECT queryid FROM assist.waits WHERE wait_event = 'PgSleep'});
finish(map { my $n = $_; start(join ";\n", map { 'SELECT pg_sleep(0.03), ' . join(', ', map { "c$_" } split //, sprintf '%d%02d', $n, $_) . ' FROM t' } 0 .. 59) } 1 .. 3);
my ($kept, $sum, $gave_way) = split /\|/, ask(q{SELECT count(*) FILTER (WHERE userid IS NOT NULL), sum(samples), count(*) FILTER (WHERE userid IS NULL) FROM assist.waits});
cmp_ok($kept, '<=', 64, "entries are bounded: $kept");
cmp_ok($gave_way, '>', 0, 'what gave way is summed up');
cmp_ok(ask(q{SELECT evictions FROM assist.status WHERE component = 'waits'}), '>', 50, 'and counted');
is(ask(q{SELECT string_agg(DISTINCT wait_event, ',') FROM assist.waits WHERE userid IS NULL AND wait_event = 'PgSleep'}), 'PgSleep', 'by its event');
cmp_ok(ask(q{SELECT sum(wait_time) FROM assist.waits WHERE wait_event = 'PgSleep'}), '>', 180 * 30 * 0.9, 'nothing is lost of the whole');
($more) = profile("queryid = $first AND wait_event = 'PgSleep'");
cmp_ok($more, '>', 500, 'what is used most stays');
is(ask('SELECT count(*) <= 5 FROM assist.activity_history'), 't', 'the history is bounded');
$node->stop;
done_testing();
