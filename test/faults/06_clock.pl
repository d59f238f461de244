# The time of day is set back and ahead while statements run: counts stay exact, no time is negative or of another
# day's length, collector, launcher and analyst go on within seconds, and eviction still knows what is used.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Assist;
use Fault;

use constant { HOUR => 3600, DAY => 86400, YEAR => 365 * 86400 };

my $node = interposed(sub {
	return new_node('clock', conf => <<'CONF');
assist.interval = 1
assist.sample_rate = 1
assist.max_statements = 640
dynamic_shared_memory_type = mmap
CONF
});
my $started = time;
$node->safe_psql('postgres', q{
	CREATE TABLE t (a int, b text);
	INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g;
	CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a);
	ANALYZE t});
is($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM assist.recommendation}), 1, 'the analyst works');

# Each worker has reported within the last seconds, by the server's clock.
sub workers_go_on
{
	my ($what) = @_;
	for my $worker ('collector', 'launcher', 'analyst')
	{
		ok(wait_until(30, sub {
					return status_of($node, $worker, q{state IN ('running', 'idle') AND abs(extract(epoch FROM clock_timestamp() - last_run)) < 5}) eq 't';
				}), "$what: the $worker goes on") or diag observer($node, 'SELECT * FROM assist.status');
	}
	return;
}

# What views show is of this test's length, whatever the clock showed.
sub times_are_sane
{
	my ($what) = @_;
	my $most = 1000 * (time - $started + 10);
	is(observer($node, qq{
		SELECT count(*) FROM assist.statements WHERE least(total_exec_time, total_plan_time, min_exec_time, mean_exec_time, p50_exec_time) < 0
		    OR greatest(max_exec_time, p99_exec_time, stddev_exec_time) > $most OR total_exec_time > 20 * $most OR last_seen < first_seen}),
		'0', "$what: times of statements") or diag observer($node, 'SELECT * FROM assist.statements');
	is(observer($node, qq{SELECT count(*) FROM assist.samples WHERE NOT exec_time BETWEEN 0 AND $most}), '0', "$what: times of samples");
	is(observer($node, qq{SELECT count(*) FROM assist.plans WHERE last_seen < first_seen OR NOT total_exec_time BETWEEN 0 AND 20 * $most}),
		'0', "$what: times of plans");
	is(observer($node, q{SELECT count(*) FROM assist.all_recommendations WHERE benefit_ms_per_day < 0}), '0', "$what: benefits");
	return;
}

my $offset = 0;
for my $jump ([ 'an hour back', -HOUR ], [ 'a day ahead', DAY ], [ 'a day back', -DAY ], [ 'a year ahead', YEAR ], [ 'to where it was', 0 ])
{
	my ($what, $to) = @$jump;
	my $before = accounted($node);
	my $load = pgbench_start($node, "\\set n random(1, 20000)\nSELECT length(b) FROM t WHERE a = :n;\n", '-c', 3, '-T', 4);
	sleep 2;
	set_clock($to);
	my $done = pgbench_finish($load);
	cmp_ok(accounted($node) - $before, '>=', $done, "$what: all $done executions are there");
	is(calls_of($node, 'SELECT length(b) FROM t WHERE %'), $done + $offset, "$what: and exactly these");
	$offset += $done;
	workers_go_on($what);
	times_are_sane($what);
	sound_after($node, what => $what);
}

# No future is left in what the analyst remembers: it would count as if nothing had happened until then.
is($node->poll_query_until('postgres', q{
	SELECT (SELECT count(*) FROM assist.object_seen WHERE first_seen > clock_timestamp())
	     + (SELECT count(*) FROM assist.server_counter WHERE at > clock_timestamp()) = 0}), 1, 'the analyst has no memory of the future');
is(observer($node, q{SELECT (SELECT count(*) FROM assist.index_use WHERE last_use > clock_timestamp())
	+ (SELECT count(*) FROM assist.statements WHERE greatest(first_seen, last_seen) > clock_timestamp())
	+ (SELECT count(*) FROM assist.plans WHERE greatest(first_seen, last_seen) > clock_timestamp())}), '0', 'nor has what was observed');

# Eviction: a busy statement stays, however the clock goes and whatever else comes once.
$node->safe_psql('postgres', 'CREATE TABLE many (' . join(', ', map { "c$_ int" } 0 .. 9) . ')');
sub flood
{
	my ($n) = @_;
	$node->safe_psql('postgres', join ';', map { 'SELECT ' . join(', ', map { "c$_" } split //, sprintf('%05d', $n + $_)) . ' FROM many' } 0 .. 1499);
	return;
}
sub busy { $node->safe_psql('postgres', join ';', ('SELECT a, b FROM t WHERE a = 7') x 20); return }
busy() for 1 .. 10;
my $busy = 200;
my $serial = 0;
for my $to (DAY, 30 * DAY, 0, -DAY, -2 * DAY, YEAR, 0)
{
	set_clock($to);
	busy();
	$busy += 20;
	sleep 2;    # the collector has taken them
	flood($serial += 1500);
	is(calls_of($node, 'SELECT a, b FROM t WHERE %'), $busy, 'clock at ' . $to / DAY . ' days: a busy statement is not evicted');
}

# What was seen once while the clock was ahead does not stay for good: it makes room for what is busy now.
$node->safe_psql('postgres', join ';', map { my $n = $_; map { ("SELECT c$_ FROM many WHERE c$n = 1") x 20 } 0 .. 3 } 0 .. 4);
sleep 2;
flood($serial += 1500);
is(observer($node, q{SELECT count(*) FROM assist.statements WHERE query LIKE 'SELECT c_ FROM many WHERE c_ = %' AND calls = 20}), '20',
	'after a year ahead: statements that became busy since are not evicted');

# A restart does not remember a future either: what is known is known since now at most.
set_clock(YEAR);
$node->safe_psql('postgres', 'SELECT assist.reset()');
busy();
interposed(sub { $node->restart });
$node->stop;
set_clock(0);
interposed(sub { $node->start });
is(calls_of($node, 'SELECT a, b FROM t WHERE %'), '20', 'a restart after the clock was put right: all is there');
is(observer($node, q{SELECT count(*) FROM assist.statements WHERE greatest(first_seen, last_seen) > clock_timestamp()}), '0', 'and of the past');
workers_go_on('restart');
sound_after($node, what => 'restart');
stop_clean($node);
done_testing();
