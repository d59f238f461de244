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

$node->safe_psql('postgres', q{
	CREATE FUNCTION used() RETURNS bigint LANGUAGE sql AS $$
		SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE parent = 'TopMemoryContext' AND name NOT LIKE 'Cache%' $$});

# Runs SQL with each allocation failing in turn, the first ones and then ever fewer, until there is none left to fail; all in one
# session, so that what a failure leaves behind adds up. `allocate`: what is taken from the server's memory contexts, `new`: what containers take.
# Returns how many were met (some are contained, as in the planning of one statement), and the memory in use after some and after all.
sub fail_in_turn
{
	my ($sql, $kind, $singly, $share) = @_;
	# Not counted itself: what takes less than a thousandth of all the time gets no index.
	my ($status, $seen, $errors) = try_sql($node, 'postgres', qq{
		SET assist.track = none;
		DO \$\$
		DECLARE n int := 0; failures int := 0; before bigint; last bigint; met boolean;
		BEGIN
			LOOP
				EXECUTE format('COPY (SELECT %L) TO %L', '$kind fail ' || n, '$fault');
				BEGIN
					EXECUTE \$call\$$sql\$call\$;
				EXCEPTION WHEN out_of_memory THEN NULL;
				END;
				EXIT WHEN (pg_stat_file('$fault', true)).size IS NOT NULL;
				failures := failures + 1;
				last := used();
				IF failures = $singly / 2 THEN before := last; END IF;
				n := n + CASE WHEN n < $singly THEN 1 ELSE 1 + n / $share END;
			END LOOP;
			RAISE NOTICE 'failures: % % %', failures, before, last;
		END \$\$}, timeout => 600);
	unlink $fault;
	is($status, 0, "$kind: no other error") or diag $errors;
	return $errors =~ /failures: (\d+) (\S+) (\S+)/ ? ($1, $2, $3) : (0, 0, 0);
}

for my $kind ('allocate', 'new')
{
	my ($failures, $first_used, $last_used) = fail_in_turn('SELECT assist.refresh()', $kind, $kind eq 'new' ? 150 : 300, $kind eq 'new' ? 8 : 20);
	cmp_ok($failures, '>', 100, "$kind: out of memory at $failures allocations of an analysis: at most an error each time");
	is($node->safe_psql('postgres', 'SELECT assist.refresh()'), $whole, "$kind: and the next one is as before");
	cmp_ok($last_used, '<', $first_used + 200_000, "$kind: no memory is left behind ($first_used, $last_used bytes)");
}

# The other functions that allocate in the boundary layer.
$node->safe_psql('postgres', 'SELECT assist.record_history()') for 1 .. 3;
my %calls = (
	check_migration => q{SELECT count(*) FROM assist.check_migration('ALTER TABLE t ADD d int DEFAULT random(), ALTER a TYPE bigint; CREATE INDEX ON t (a)')},
	generate_migration => 'SELECT count(*) FROM assist.all_recommendations r, assist.generate_migration(r.id) WHERE r.sql IS NOT NULL',
	migration_script => 'SELECT sum(length(assist.migration_script(id))) FROM assist.all_recommendations WHERE sql IS NOT NULL',
	mask_query => q{SELECT length(assist.mask_query('SELECT 1 /* a@b.example */'))},
	export => 'SELECT count(*) FROM assist.export()',
	observation => 'SELECT (SELECT count(*) FROM assist.statements), (SELECT count(*) FROM assist.plans), (SELECT count(*) FROM assist.predicates), (SELECT count(*) FROM assist.index_use)',
	waits => 'SELECT (SELECT count(*) FROM assist.waits), (SELECT count(*) FROM assist.activity_history), (SELECT count(*) FROM assist.lock_tree)',
	history => 'SELECT (SELECT count(*) FROM assist.statement_history), (SELECT count(*) FROM assist.plan_history), (SELECT count(*) FROM assist.table_history), (SELECT count(*) FROM assist.statement_totals())',
	import_history => q{SELECT assist.import_history('a,b,2026-01-01 00:00+00,1')},
	forecast => q{SELECT (SELECT count(*) FROM assist.forecast('calls')), (SELECT count(*) FROM assist.forecast_quality('calls')), (SELECT count(*) FROM assist.best_windows())},
	baselines => 'SELECT count(*) FROM assist.baselines',
	alerts => q{SELECT (SELECT count(*) FROM assist.alerts), (SELECT count(*) FROM assist.thresholds), assist.health_text()},);
# Not every one takes memory of both kinds, but each of one.
for my $name (sort keys %calls)
{
	my $met = 0;
	for my $kind ('allocate', 'new')
	{
		note "$kind in $name";
		my ($count) = fail_in_turn($calls{$name}, $kind, 60, 5);
		$met += $count;
	}
	cmp_ok($met, '>', 0, "out of memory in $name: $met times");
}
# What runs at each visit: history, regressions, alerts.
for my $kind ('allocate', 'new')
{
	my ($count) = fail_in_turn(q{UPDATE assist.alert_judged SET at = '-infinity'; DELETE FROM assist.regression_judged; SELECT assist.record_history()}, $kind, 150, 8);
	cmp_ok($count, '>', 50, "$kind: out of memory in $count allocations of a recording");
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
