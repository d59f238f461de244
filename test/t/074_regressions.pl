# Waits in history, over a restart too, and as the cause of a regression: a statement that waits for the locks of another.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Assist;

my $node = new_node('regressions', conf => "assist.interval = 0\nassist.wait_interval = 10ms\n");
$node->safe_psql('postgres', q{
	CREATE TABLE account (id int PRIMARY KEY, balance int);
	INSERT INTO account VALUES (1, 0);
	SELECT assist.record_history();
	-- Holds the row most of the time.
	CREATE PROCEDURE hold(seconds float8) LANGUAGE plpgsql AS $$
	DECLARE until timestamptz := clock_timestamp() + seconds * interval '1 s';
	BEGIN
		WHILE clock_timestamp() < until LOOP
			UPDATE account SET balance = balance - 1 WHERE id = 1;
			PERFORM pg_sleep(0.04);
			COMMIT;
		END LOOP;
	END $$});

sub minutes
{
	my ($count, $calls) = @_;
	for (1 .. $count)
	{
		$node->safe_psql('postgres', "UPDATE account SET balance = balance + 1 WHERE id = 1;\n" x $calls);
		$node->safe_psql('postgres', 'SET assist.track = none; SELECT assist.record_history()');
	}
	return;
}

minutes(11, 15);
$node->safe_psql('postgres', q{SELECT assist.mark('release 7')});
is($node->safe_psql('postgres', 'SELECT count(*) FROM assist.regressions'), '0', 'nothing yet');
my $holder = $node->background_psql('postgres');
$holder->query_until(qr/started/, "\\echo started\nCALL hold(60);\n");
minutes(17, 10);
my $found = "SELECT cause, evidence, direction FROM assist.regressions WHERE query LIKE 'UPDATE account SET balance = balance + %'";
like($node->safe_psql('postgres', $found), qr/^lock_waits\|it waits for locks: 0\S* to \S+ ms a call\|slower$/, 'the lock is named before the release')
  or diag $node->safe_psql('postgres', 'SELECT query, causes FROM assist.regressions');
my $waited = q{SELECT coalesce(sum(wait_time), 0) FROM assist.wait_history WHERE query LIKE 'UPDATE account SET balance = balance + %' AND wait_event_type = 'Lock'};
my $before = $node->safe_psql('postgres', $waited);
cmp_ok($before, '>', 100, 'the waiting is in history');
is($node->safe_psql('postgres', q{
	SELECT abs(h.t - w.t) < 1 FROM (SELECT sum(wait_time) AS t FROM assist.wait_history WHERE wait_event_type = 'Lock') h,
	  (SELECT sum(wait_time) AS t FROM assist.waits WHERE wait_event_type = 'Lock' AND dbid = (SELECT oid FROM pg_database WHERE datname = 'postgres')) w}),
	't', 'as much as has been sampled') if $node->safe_psql('postgres', 'SELECT assist.record_history()') eq '';
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL hold%'});
eval { $holder->quit; 1 } or note 'the holder was cancelled';

# Samples are counted from the server's start on: nothing is lost, nothing counted twice.
$node->safe_psql('postgres', 'SELECT assist.record_history()');
$before = $node->safe_psql('postgres', $waited);
$node->restart;
$node->safe_psql('postgres', 'SELECT assist.record_history()') for 1 .. 2;
is($node->safe_psql('postgres', $waited), $before, 'a restart adds nothing');
$node->safe_psql('postgres', 'SELECT pg_sleep(0.3)');
$node->safe_psql('postgres', 'SELECT assist.record_history()');
cmp_ok($node->safe_psql('postgres', q{SELECT sum(wait_time) FROM assist.wait_history WHERE wait_event = 'PgSleep' AND query LIKE 'SELECT pg_sleep%'}), '>=', 200, 'what comes after it is');
$node->stop;

# More waits than there is room for: what gives way is told as others', and none twice.
$node = new_node('many_waits', conf => "assist.interval = 0\nassist.wait_interval = 10ms\nassist.max_statements = 100\n");
$node->safe_psql('postgres', 'CREATE TABLE w AS SELECT 1 AS a, 2 AS b; SELECT assist.record_history()');
my $naps = join ';', map { my $n = $_; 'SELECT pg_sleep(0.03), ' . join(', ', map { $n >> $_ & 1 ? 'b' : 'a' } 0 .. 6) . ' FROM w' } 0 .. 127;
my $sums = q{SELECT (SELECT sum(samples) FROM assist.wait_history), (SELECT sum(samples) FROM assist.waits WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'postgres'))};
for my $round (1 .. 3)
{
	$node->safe_psql('postgres', $naps);
	$node->safe_psql('postgres', 'SET assist.track = none; SELECT assist.record_history()');
}
my ($recorded, $seen) = split /\|/, $node->safe_psql('postgres', "SET assist.track = none; $sums");
cmp_ok($node->safe_psql('postgres', q{SELECT evictions FROM assist.status WHERE component = 'waits'}), '>', 50, 'waits gave way');
cmp_ok(abs($recorded - $seen), '<=', 5, "history has as many samples as were taken: $recorded of $seen");
$node->stop;
done_testing();
