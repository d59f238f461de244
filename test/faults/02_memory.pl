# Out of memory at each allocation in turn, shared memory used up, no space for the file.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('memory', conf => "assist.interval = 0\nassist.sample_rate = 1\n");
my $fault = $node->data_dir . '/assist_fault';

sub arm { open(my $file, '>', $fault) or die $!; print $file "@_\n"; close $file; return }

$node->safe_psql('postgres', q{
	CREATE TABLE t (a int, b text, c int);
	INSERT INTO t SELECT g, repeat('x', 100), g FROM generate_series(1, 50000) g;
	CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a); CREATE INDEX t_ac ON t (a, c);
	ANALYZE t;
	SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0}')});
$node->safe_psql('postgres', join ';', map { "SELECT b FROM t WHERE c = $_" } 1 .. 30);
my $whole = $node->safe_psql('postgres', 'SELECT assist.refresh()');
cmp_ok($whole, '>', 1, 'an analysis finds something');

# In one session, so that what a failure leaves behind adds up.
my $out = $node->safe_psql('postgres', qq{
	CREATE FUNCTION used() RETURNS bigint LANGUAGE sql AS \$\$
		SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE parent = 'TopMemoryContext' AND name NOT LIKE 'Cache%' \$\$;
	CREATE TEMP TABLE result (failures int, before bigint, after bigint);
	DO \$\$
	DECLARE n int := 0; failures int := 0; before bigint; r int;
	BEGIN
		LOOP
			EXECUTE format('COPY (SELECT %L) TO %L', 'allocate fail ' || n, '$fault');
			BEGIN
				r := assist.refresh();
				EXIT;
			EXCEPTION WHEN out_of_memory THEN
				failures := failures + 1;
			END;
			IF failures = 50 THEN before := used(); END IF;
			n := n + CASE WHEN n < 300 THEN 1 ELSE 1 + n / 20 END;
		END LOOP;
		INSERT INTO result VALUES (failures, before, used());
	END \$\$;
	SELECT * FROM result}, timeout => 300);
unlink $fault;
my ($failures, $first_used, $last_used) = split /\|/, $out;
cmp_ok($failures, '>', 100, "out of memory at $failures allocations of an analysis: an error each time");
is($node->safe_psql('postgres', 'SELECT assist.refresh()'), $whole, 'and the next one is as before');
cmp_ok($last_used, '<', $first_used + 200_000, "no memory is left behind ($first_used, $last_used bytes)");
# The other functions that allocate in the boundary layer.
my %calls = (
	generate_migration => 'SELECT count(*) FROM assist.all_recommendations r, assist.generate_migration(r.id) WHERE r.sql IS NOT NULL',
	migration_script => 'SELECT sum(length(assist.migration_script(id))) FROM assist.all_recommendations WHERE sql IS NOT NULL',
	mask_query => q{SELECT length(assist.mask_query('SELECT 1 /* a@b.example */'))},
	export => 'SELECT count(*) FROM assist.export()',);
for my $name (sort keys %calls)
{
	my ($status, $seen, $errors) = try_sql($node, 'postgres', qq{
		DO \$\$
		DECLARE n int := 0; failures int := 0;
		BEGIN
			LOOP
				EXECUTE format('COPY (SELECT %L) TO %L', 'allocate fail ' || n, '$fault');
				BEGIN
					EXECUTE \$call\$$calls{$name}\$call\$;
					EXIT;
				EXCEPTION WHEN out_of_memory THEN
					failures := failures + 1;
				END;
				n := n + CASE WHEN n < 300 THEN 1 ELSE 1 + n / 20 END;
			END LOOP;
			RAISE NOTICE 'failures: %', failures;
		END \$\$}, timeout => 300);
	unlink $fault;
	is($status, 0, "out of memory in $name: nothing else goes wrong") or diag $errors;
	my ($count) = $errors =~ /failures: (\d+)/;
	cmp_ok($count // 0, '>', 0, "and it is met: " . ($count // 0) . " times");
}
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|was terminated/, 'no crash');

# The arena gives nothing: texts and plans are counted as lost, executions are not.
arm('arena', 'fail', 0);
$node->safe_psql('postgres', 'CREATE TABLE lost (a int); SELECT a FROM lost WHERE a = 1');
unlink $fault;
$node->safe_psql('postgres', 'SELECT a FROM lost WHERE a = 1; SELECT a FROM lost WHERE a = 1');
is(calls_of($node, 'SELECT a FROM lost %'), '3', 'no memory for a text: it is stored next time, nothing is lost');

# Saving fails half way: the server stops all the same, and the next start has what was before, as a gap.
my $before = $node->safe_psql('postgres', 'SELECT sum(calls) > 30 FROM assist.statements');
is($before, 't', 'there is something to save');
arm('write', 'fail', 5);
my $since = -s $node->logfile;
$node->stop;
like(slurp_file($node->logfile, $since), qr/could not (write|save).*pg_assist/, 'the log says that it could not be saved');
ok(!-e $node->data_dir . '/pg_stat/pg_assist.stat', 'there is no half file');
unlink $fault;
$node->start;
is($node->safe_psql('postgres', 'SELECT count(*) FROM assist.status WHERE component IS NULL'), '0', 'the server starts');
$node->safe_psql('postgres', 'CREATE TABLE again (a int); SELECT a FROM again WHERE a = 1; SELECT a FROM again WHERE a = 2');
is(calls_of($node, 'SELECT a FROM again %'), '2', 'and counts exactly');

# The postmaster is killed while it saves, as by a power failure.
arm('save', 'kill', 3);
$node->safe_psql('postgres', 'SELECT 1');
kill 'INT', (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
ok(wait_until(60, sub { !-e $fault }), 'killed while it saves');
sleep 2;
unlink $node->data_dir . '/postmaster.pid';
$node->{_pid} = undef;
$node->start;
unlike($node->safe_psql('postgres', q{SELECT count(*) FROM assist.statements WHERE query IS NULL AND calls < 0}), qr/[1-9]/, 'the server starts after that');
$node->safe_psql('postgres', 'CREATE TABLE third (a int); SELECT a FROM third WHERE a = 1');
is(calls_of($node, 'SELECT a FROM third %'), '1', 'and counts exactly');
$node->stop;
done_testing();
