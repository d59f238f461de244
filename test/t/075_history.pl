# History over restarts, crashes, a clock that is set, on a standby and after its promotion: counts are exact or the time is a gap.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;
use Fault;

my $node = interposed(sub {
	my $n = new_node('history', init => [ allows_streaming => 1 ], conf => "assist.interval = 0\nrestart_after_crash = on\nmax_prepared_transactions = 2\n", start => 0);
	$n->start;
	$n->safe_psql('postgres', 'CREATE EXTENSION pg_assist; CREATE TABLE h (a int); SELECT assist.record_history()');
	return $n;
});

sub run
{
	my ($n, $calls) = @_;
	$n->safe_psql('postgres', "SELECT count(*) FROM h WHERE a = 1;\n" x $calls);
	return;
}
sub recorded
{
	my ($n) = @_;
	$n->safe_psql('postgres', 'SELECT assist.record_history()');
	return calls($n);
}
sub calls
{
	my ($n) = @_;
	return $n->safe_psql('postgres', q{SELECT coalesce(sum(calls), 0) FROM assist.statement_history WHERE query = 'SELECT count(*) FROM h WHERE a = $1'});
}
my $overlaps = q{SELECT count(*) FROM (SELECT start, lag(until) OVER (ORDER BY start, until) AS before
	FROM (SELECT DISTINCT start, until FROM assist.statement_history) i) o WHERE start < before};

run($node, 5);
is(recorded($node), '5', 'recorded');
run($node, 4);
interposed(sub { $node->restart });
is(recorded($node), '9', 'a restart loses nothing that was not recorded');

# What a transaction took is there again when it is rolled back; where nobody could give it back it is not taken.
run($node, 2);
$node->safe_psql('postgres', 'BEGIN; SELECT assist.record_history(); ROLLBACK');
my ($prepared, $prepare_out, $prepare_err) = try_sql($node, 'postgres', q{BEGIN; SELECT assist.record_history(); PREPARE TRANSACTION 'p'});
like($prepare_err, qr/ERROR:  0A000: cannot PREPARE a transaction that has recorded history/, 'a transaction that recorded is not prepared');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '0', 'nor left behind');
is(recorded($node), '11', 'and loses nothing');

# A crash: what was not recorded is gone, and the time until the new start is a gap.
run($node, 3);
$node->stop('immediate');
interposed(sub { $node->start });
run($node, 2);
is(recorded($node), '13', 'after a crash what came after it');
is($node->safe_psql('postgres', q{SELECT bool_and(start >= pg_postmaster_start_time() - interval '1 s') FROM assist.statement_history
	WHERE until = (SELECT max(until) FROM assist.statement_history)}), 't', 'in an interval that begins with the start');
is($node->safe_psql('postgres', q{SELECT sum(n_tup_ins) FROM assist.table_history WHERE relation_name = 'public.h'}), '0', 'no counts of tables that were reset by it');
$node->safe_psql('postgres', 'INSERT INTO h VALUES (1), (2)');
is(recorded($node), '13', 'nothing ran');
is($node->safe_psql('postgres', q{SELECT sum(n_tup_ins) FROM assist.table_history WHERE relation_name = 'public.h'}), '2', 'and from then on exactly');

# A clock that is set: ahead for a while, and back.
run($node, 1);
set_clock(2 * 86400);
is(recorded($node), '14', 'ahead by two days: recorded');
run($node, 1);
is(recorded($node), '15', 'and goes on');
set_clock(0);
run($node, 1);
my $after = recorded($node);
is($after, '14', 'put back: what was recorded ahead is forgotten, what comes is recorded');
is($node->safe_psql('postgres', $overlaps), '0', 'and no time is told twice');
run($node, 1);
is(recorded($node), $after + 1, 'and goes on');
is($node->safe_psql('postgres', q{SELECT count(*) FROM assist.statement_history WHERE observed < 0 OR start > until}), '0', 'no time runs backwards');

# A standby shows it, records nothing, and goes on where it was when it is promoted.
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
my $before = recorded($node);
$node->wait_for_catchup($standby);
is(calls($standby), $before, 'the same history on a standby');
my ($status, $out, $err) = try_sql($standby, 'postgres', 'SELECT assist.record_history()');
like($err, qr/ERROR:  25006/, 'which records nothing');
($status, $out, $err) = try_sql($standby, 'postgres', q{SELECT assist.forget('infinity')});
like($err, qr/ERROR:  25006/, 'and forgets nothing');
# What runs on a standby is in no history: not in that of after its promotion either.
run($standby, 3);
sleep 2;
$node->stop('fast');
$standby->promote;
run($standby, 2);
is(recorded($standby), $before + 2, 'promoted, it goes on');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM assist.regressions}), '0', 'and none of this is a regression');
$standby->stop;

# Between a shutdown and the next start nothing is missing, and nothing was seen.
my $stopped = interposed(sub {
	my $n = new_node('stopped', conf => "assist.interval = 0\n", start => 0);
	set_clock(0);
	$n->start;
	$n->safe_psql('postgres', 'CREATE EXTENSION pg_assist; CREATE TABLE h (a int); SELECT assist.record_history()');
	return $n;
});
run($stopped, 2);
$stopped->stop;
set_clock(5 * 3600);
interposed(sub { $stopped->start });
run($stopped, 1);
is(recorded($stopped), '3', 'stopped for five hours: recorded');
is($stopped->safe_psql('postgres', q{SELECT until - start > '5 hours', observed < 300 FROM assist.statement_history WHERE query = 'SELECT count(*) FROM h WHERE a = $1'}),
	't|t', 'as what was seen in the minutes before and after');
$stopped->stop;

# The ring of partitions comes round: one is emptied as a whole, unless somebody reads it.
my $ring = new_node('ring', conf => "assist.interval = 1\nassist.history_tiers = '1s:3s'\n");
my $files = q{SELECT string_agg(pg_relation_filenode(c.oid)::text, ' ' ORDER BY relname COLLATE "C") FROM pg_class c WHERE relname ~ '^history_block_[0-3]$'};
ok(wait_until(30, sub { $ring->safe_psql('postgres', 'SELECT count(DISTINCT ring) FROM assist.history_block') >= 3 }), 'the ring fills');
my $first = $ring->safe_psql('postgres', $files);
ok(wait_until(30, sub { $ring->safe_psql('postgres', $files) ne $first }), 'a partition is emptied');
my $reader = $ring->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT count(*) FROM assist.history_block');
$first = $ring->safe_psql('postgres', $files);
my $at = $ring->safe_psql('postgres', 'SELECT clock_timestamp()');
ok(wait_until(30, sub { $ring->safe_psql('postgres', "SELECT max(until) > '$at'::timestamptz + interval '8 s' FROM assist.history_block") eq 't' }), 'recording goes on while somebody reads');
is($ring->safe_psql('postgres', $files), $first, 'no partition is emptied then');
is($ring->safe_psql('postgres', q{SELECT count(*) FROM assist.history_block WHERE until < clock_timestamp() - interval '12 s'}), '0', 'but what is old is gone');
$reader->query_safe('COMMIT');
$reader->quit;
ok(wait_until(30, sub { $ring->safe_psql('postgres', $files) ne $first }), 'and afterwards it is again');
$ring->stop;
done_testing();
