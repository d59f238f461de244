# Promotion under load, and in the middle of an analysis of the primary: sessions and counts go on, what was half done
# there is not here, and the analyst comes as soon as recovery has ended.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;
use Fault;

my $primary = new_node('primary', init => [ allows_streaming => 1 ], conf => <<'CONF');
assist.interval = 0
assist.sample_rate = 1
dynamic_shared_memory_type = mmap
max_standby_streaming_delay = -1
CONF
$primary->safe_psql('postgres', q{
	CREATE TABLE t (a int, b text);
	INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g;
	CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a);
	ANALYZE t});
$primary->backup('base');

# A standby of the primary, with an analyst each second as soon as it may come.
sub new_standby
{
	my ($name) = @_;
	my $standby = PostgreSQL::Test::Cluster->new($name);
	$standby->init_from_backup($primary, 'base', has_streaming => 1);
	$standby->append_conf('postgresql.conf', 'assist.interval = 1');
	$standby->start;
	$primary->wait_for_catchup($standby);
	return $standby;
}

# --- under load; the sessions stay
my $first = new_standby('first');
is(status_of($first, 'launcher', q{state || ': ' || detail}), 'not started: it starts when recovery has ended',
	'assist.status says why there is no launcher');
# A restart in recovery keeps what was observed, and so does a second one.
$first->safe_psql('postgres', "SELECT b FROM t WHERE a = $_") for 1 .. 3;
$first->restart for 1 .. 2;
is(calls_of($first, 'SELECT b FROM t WHERE %'), '3', 'restarts of a standby keep all');
my $gaps = observer($first, q{SELECT count(*) FROM assist.status WHERE component = 'gap'});
$primary->wait_for_catchup($first);
my $before = accounted($first);
my $inside = $first->background_psql('postgres', on_error_stop => 0);
$inside->query_safe("BEGIN; SELECT b FROM t WHERE a = 7");
my $load = pgbench_start($first, "\\set n random(1, 20000)\nSELECT length(b) FROM t WHERE a = :n;\n", '-c', 3, '-T', 6);
$first->poll_query_until('postgres', q{SELECT sum(calls) > 100 FROM assist.statements WHERE query LIKE 'SELECT length(b)%'});
$first->promote;
ok($first->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), 'promoted');
ok(wait_for_worker($first, 'launcher'), 'the launcher comes');
my $analysed = q{SELECT state = 'idle' AND detail LIKE '%open recommendations' FROM assist.status WHERE component = 'analyst'};
ok($first->poll_query_until('postgres', $analysed), 'and the analyst');
# A transaction from before stays read-only.
$inside->query('SELECT assist.refresh()');
like($inside->{stderr}, qr/cannot execute assist.refresh\(\) (during recovery|in a read-only transaction)/,
	'a transaction of the recovery cannot refresh');
$inside->query('ROLLBACK');
$inside->{stderr} = '';
is($inside->query_safe('SELECT assist.refresh() >= 0'), 't', 'the next one of the same session can');
$inside->quit;
my $done = pgbench_finish($load);
is(calls_of($first, 'SELECT length(b) FROM t WHERE %'), $done, "all $done executions over the promotion are counted");
is(calls_of($first, 'SELECT b FROM t WHERE %'), '4', 'and those from before');
is(observer($first, q{SELECT count(*) FROM assist.status WHERE component = 'gap'}), $gaps, 'a promotion is no gap');
ok($first->poll_query_until('postgres', q{SELECT count(*) > 0 FROM assist.recommendations()}), 'there are recommendations');
sound_after($first, what => 'promoted under load');
stop_clean($first);

# --- in the middle of the primary's own analysis: it stands still while it stores what it has found
my $second = new_standby('second');
my $fault = $primary->data_dir . '/assist_fault';
open(my $order, '>', $fault) or die $!;
print $order "store stop 0\n";
close $order;
$primary->append_conf('postgresql.conf', 'assist.interval = 1');
$primary->reload;
ok(wait_until(60, sub { !-e $fault }), 'the analyst of the primary has stored and not committed');
my $analyst = worker_pid($primary, 'analyst');
ok($analyst, 'and stands still');
$primary->safe_psql('postgres', 'CHECKPOINT; SELECT pg_switch_wal()');
$primary->wait_for_catchup($second);
is(observer($primary, 'SELECT count(*) FROM assist.recommendation'), '0', 'its work is nobody\'s yet');
$second->promote;
ok($second->poll_query_until('postgres', $analysed), 'the analyst of the promoted server does its own');
cmp_ok(observer($second, q{SELECT count(*) FROM assist.recommendation WHERE status = 'open'}), '>', 0, 'and finds the same');
is($second->safe_psql('postgres', 'SELECT assist.refresh() >= 0'), 't', 'no lock came along');
is($second->safe_psql('postgres', 'SELECT count(*) = count(DISTINCT fingerprint) FROM assist.recommendation'), 't', 'nothing is there twice');
sound_after($second, what => 'promoted in the middle of an analysis');
stop_clean($second);
kill 'CONT', $analyst;
ok($primary->poll_query_until('postgres', q{SELECT state = 'idle' FROM assist.status WHERE component = 'analyst'}), 'the primary\'s goes on, too');
cmp_ok(observer($primary, q{SELECT count(*) FROM assist.recommendation WHERE status = 'open'}), '>', 0, 'to its end');

# --- promoted and stopped at once, while the first visit begins; and crashed there
for my $mode ('fast', 'immediate')
{
	my $third = new_standby("third_$mode");
	$third->safe_psql('postgres', "SELECT b FROM t WHERE a = $_") for 1 .. 5;
	my $known = calls_of($third, 'SELECT b FROM t WHERE %');
	$third->promote;
	wait_until(30, sub { worker_pid($third, 'analyst') ne '' });
	$third->stop($mode);
	$third->start;
	ok($third->poll_query_until('postgres', q{SELECT state = 'idle' FROM assist.status WHERE component = 'analyst'}), "$mode stop after promotion: the analyst comes");
	is(calls_of($third, 'SELECT b FROM t WHERE %'), $mode eq 'fast' ? $known : 0, "$mode stop after promotion: what is known");
	sound_after($third, what => "$mode stop after promotion");
	stop_clean($third);
}
sound_after($primary, what => 'primary');
stop_clean($primary);
done_testing();
