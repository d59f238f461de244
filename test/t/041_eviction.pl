# What gives way when the store or its memory is full: what is used least, never what is used all the time.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

# Statements that differ by what they select, each run once, in one session.
sub one_offs
{
	my ($node, $name, $count, $width) = @_;
	$node->safe_psql('postgres', "CREATE TABLE $name (a int, b int)");
	my @columns = ('a', 'b', 'a + b', 'a - b', 'a * b', 'b - a', 'a % 7', 'b % 7', '-a', '-b');
	return join ";\n", map {
		my $n = $_;
		"SELECT " . join(', ', map { $columns[int($n / 10**$_) % 10] } 0 .. 3 + $width) . " FROM $name"
	} 0 .. $count - 1;
}

# More statements than there is room for.
my $node = new_node('eviction', conf => "assist.interval = 0\nassist.max_statements = 500\n");
$node->safe_psql('postgres', 'CREATE TABLE hot (a int); INSERT INTO hot SELECT generate_series(1, 100); ANALYZE hot');
$node->safe_psql('postgres', join ';', map { "SELECT a FROM hot WHERE a = $_" } 1 .. 200);
$node->safe_psql('postgres', one_offs($node, 'cold', 4000, 0));
ok($node->poll_query_until('postgres', q{SELECT evictions > 3000 FROM assist.status WHERE component = 'statements'}), 'statements were evicted');
is(calls_of($node, 'SELECT a FROM hot %'), '200', 'what is used more stays, with all of its calls');
is($node->safe_psql('postgres', q{SELECT count(plan) > 0 FROM assist.plans JOIN assist.statements USING (userid, dbid, queryid, toplevel) WHERE query LIKE 'SELECT a FROM hot %'}),
	't', 'and its plan');
is($node->safe_psql('postgres', q{SELECT count(*) > 400, count(*) - count(query) FROM assist.statements}), 't|0', 'every statement that is kept has its text');
# In a full store a place is for what comes again, or takes its time; the rest is accounted for.
$node->safe_psql('postgres', 'CREATE TABLE late (a int, b int); INSERT INTO late VALUES (1, 2)');
my @once = map { my $n = $_; 'SELECT ' . join(', ', map { $n >> $_ & 1 ? 'b' : 'a' } 0 .. 5) . ' FROM late' } 0 .. 39;
my $lost = $node->safe_psql('postgres', q{SELECT lost_calls FROM assist.status WHERE component = 'statements'});
$node->safe_psql('postgres', join ';', @once);
cmp_ok(calls_of($node, 'SELECT % FROM late'), '<', 10, 'cheap statements that come once get no place');
ok($node->poll_query_until('postgres', qq{SELECT lost_calls >= $lost + 30 FROM assist.status WHERE component = 'statements'}), 'they are accounted for');
$node->safe_psql('postgres', join ';', @once);
cmp_ok(calls_of($node, 'SELECT % FROM late'), '>=', 35, 'what comes again does, in another session too');
$node->safe_psql('postgres', 'SELECT a + b FROM late, pg_sleep(0.01)');
is(calls_of($node, 'SELECT a + b FROM late, pg_sleep($1)'), '1', 'and what takes a millisecond at once, with its text');
$node->safe_psql('postgres', 'PREPARE p AS SELECT b + a FROM late; EXECUTE p; EXECUTE p; SELECT pg_sleep(2.5); EXECUTE p; EXECUTE p');
cmp_ok(calls_of($node, '%SELECT b + a FROM late'), '>=', 2, 'prepared once and run again: with its text');
is(calls_of($node, 'SELECT a FROM hot %'), '200', 'nothing that is used more gave way');
$node->stop;

# More indexes and scanned tables than there are counters: what is known of the use of any of them begins anew.
$node = new_node('counters', conf => "assist.interval = 0\nassist.max_statements = 100\nmax_locks_per_transaction = 256\n");
$node->safe_psql('postgres', q{CREATE TABLE idle (a int, b int);
	INSERT INTO idle SELECT g, g FROM generate_series(1, 20000) g; CREATE INDEX idle_b_idx ON idle (b); ANALYZE idle;
	SELECT assist.set_rule('unused_index', settings => '{"min_age": 0, "min_size": 0, "min_table_scans": 0}')});
my $analyzed = q{SET client_min_messages = error; DO $$ BEGIN PERFORM assist.refresh(); END $$; SELECT (evidence->>'observed_days')::float8 * 86400 FROM assist.recommendations() WHERE rule = 'unused_index' AND object = 'public.idle_b_idx'};
my $many = q{DO $$ BEGIN FOR n IN 1 .. 2000 LOOP EXECUTE format('SELECT count(*) FROM many_%s', n); END LOOP; END $$};
$node->safe_psql('postgres', q{DO $$ BEGIN FOR n IN 1 .. 2000 LOOP EXECUTE format('CREATE TABLE many_%s ()', n); END LOOP; END $$});
is($node->safe_psql('postgres', q{SELECT state, evictions FROM assist.status WHERE component = 'index use'}), 'ok|0', 'no counter gave way');
my $before = $node->safe_psql('postgres', $analyzed);
sleep 3;
my $from = time;
$node->safe_psql('postgres', $many);
ok($node->poll_query_until('postgres', q{SELECT state = 'some lost' AND evictions > 500 AND detail LIKE '%of 1174 entries; scans before 20% may be missing%' FROM assist.status WHERE component = 'index use'}),
	'counters gave way');
my $after = $node->safe_psql('postgres', $analyzed);
cmp_ok($after, '<=', time - $from + 1, "the use of indexes is known from then on: $after s, before $before s");
$node->restart;
cmp_ok($node->safe_psql('postgres', q{SELECT evictions FROM assist.status WHERE component = 'index use'}), '>', 500, 'over a restart, too');
cmp_ok($node->safe_psql('postgres', $analyzed), '<=', time - $from + 1, 'and what is known of their use');
$node->stop;

# More texts than there is memory for.
$node = new_node('texts', conf => "assist.interval = 0\nassist.text_memory = 1MB\nassist.sample_rate = 1\n");
$node->safe_psql('postgres', 'CREATE TABLE hot (a int); INSERT INTO hot SELECT generate_series(1, 100); ANALYZE hot');
$node->safe_psql('postgres', join ';', map { "SELECT a FROM hot WHERE a = $_" } 1 .. 200);
sleep 2;    # gathered
$node->safe_psql('postgres', one_offs($node, 'cold', 4000, 30));
is($node->safe_psql('postgres', q{SELECT memory_used > memory_limit / 3 FROM assist.status WHERE component = 'texts'}), 't', 'the memory for texts is used');
is(calls_of($node, 'SELECT a FROM hot %'), '200', 'the text of what is used more stays');
$node->safe_psql('postgres', 'CREATE TABLE newest (a int); SELECT a FROM newest; SELECT a, a FROM newest; SELECT a, a, a FROM newest');
is(calls_of($node, 'SELECT a% FROM newest'), '3', 'a new statement has its text: plans and samples of others gave way, or their texts');
my $without = $node->safe_psql('postgres', q{SELECT count(*) FROM assist.statements WHERE query IS NULL});
cmp_ok($without, '>', 0, "texts gave way: of $without statements");
# One that gave way comes back with use.
ok(wait_until(60, sub {
	$node->safe_psql('postgres', 'SELECT a, b, a + b, a - b, ' . join(', ', ('a') x 30) . ' FROM cold') for 1 .. 3;
	return calls_of($node, 'SELECT a, b, a + b, a - b,%') > 3;
}), 'with use a statement has its text again');
$node->stop;
done_testing();
