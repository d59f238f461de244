# The clock on the wall is set to winter and to summer time: no hour is lost, told twice or moved, what is normal goes by the
# wall's clock, and a load that goes by another one is no regression.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::Local;
use Assist;
use Fault;

my $node = interposed(sub {
	return new_node('clock_change', conf => "assist.interval = 0\ntimezone = 'Europe/Berlin'\nassist.history_tiers = '1min:6h, 1h:60d, 1d:3y'\n", start => 0);
});

# The server's time is this of UTC.
sub at
{
	my ($moment) = @_;
	my ($year, $month, $day, $hour, $minute) = split /[- :]/, $moment;
	return set_clock(timegm(0, $minute, $hour, $day, $month - 1, $year) - time);
}
my $statement = 'SELECT count(*) FROM h WHERE a = $1';
sub sql { my ($sql) = @_; return $node->safe_psql('postgres', "SET assist.track = none; $sql") }
sub record { return sql('SELECT assist.record_history()') }
sub run { my ($calls) = @_; return $node->safe_psql('postgres', "SELECT count(*) FROM h WHERE a = 1;\n" x $calls) }
sub calls
{
	my ($where) = @_;
	return sql("SELECT coalesce(sum(calls), 0) FROM assist.statement_history WHERE query = '$statement' AND $where");
}

# At 3 o'clock it is 2 o'clock again.
at('2026-10-25 00:15');
interposed(sub { $node->start });
$node->safe_psql('postgres', 'CREATE EXTENSION pg_assist; CREATE TABLE h (a int)');
record();
my %calls = ('00:45' => 3, '01:15' => 5, '01:45' => 7, '02:15' => 11);
for my $time (sort keys %calls)
{
	run($calls{$time});
	at("2026-10-25 $time");
	record();
}
is(calls('true'), '26', 'nothing is lost where an hour comes twice');
is(calls(q{start >= '2026-10-25 02:00+02' AND until < '2026-10-25 02:30+01'}), '8', 'the two hours of one name are two');
is(sql(qq{SELECT round(calls_per_hour_a), round(calls_per_hour_b), mean_ratio > 0 FROM assist.compare_periods('[2026-10-25 02:00+02,2026-10-25 02:00+01)', '[2026-10-25 02:00+01,2026-10-25 03:00+01)') WHERE query = '$statement'}),
	'6|12|t', 'and are told apart');
my $overlaps = q{SELECT count(*) FROM (SELECT start, lag(until) OVER (ORDER BY start, until) AS before
	FROM (SELECT DISTINCT start, until FROM assist.statement_history) i) o WHERE start < before};
is(sql($overlaps), '0', 'no time is told twice');
at('2026-10-27 12:00');
record();
is(sql('SELECT count(*) FROM assist.history_block WHERE kind = 1 AND ring BETWEEN 4 AND 7 AND rows > 0 AND until < \'2026-10-25 04:00+01\''), '3', 'three hours of it');
is(sql(q{SELECT sum(r.counts[1]) FROM assist.history_block, assist._history_rows(data) r JOIN assist.history_statement s ON s.id = r.key
	WHERE kind = 1 AND ring BETWEEN 8 AND 11 AND s.query LIKE 'SELECT count(*) FROM h%'}), '26', 'the day has all of them');
is(calls('true'), '26', 'as the finest that is there');

# Five weeks of office hours by the clock on the wall, three times as long from 8 to 18; another statement's by UTC.
my $local = q{extract(hour FROM t)};
my $utc = q{extract(hour FROM t AT TIME ZONE 'UTC')};
sub office
{
	my ($hour, $factor) = @_;
	return "exp(0.03 * sin(extract(epoch FROM t) / 3600 * 12.9898)) * CASE WHEN $hour BETWEEN 8 AND 17 THEN 30 ELSE 10 END * $factor";
}
sub import_series
{
	my ($metric, $object, $value, $until) = @_;
	sql("SELECT assist.import_history(string_agg(format(E'%s,%s,%s,%s\\nshare,%2\$s,%3\$s,0.2', '$metric', '$object', t, $value), E'\\n'))
	  FROM generate_series('$until'::timestamptz - interval '34 days', '$until', '1 hour') t");
	return;
}
sub judged
{
	sql('DELETE FROM assist.regression_judged');
	record();
	return sql(q{SELECT string_agg(direction || ' ' || (query LIKE '%wall%')::text, ', ') FROM assist.regressions WHERE detector = 'season'});
}
for my $change ([ winter => '2026-10-30 06:30', '2026-10-30 06:00+00' ], [ summer => '2027-04-02 06:30', '2027-04-02 06:00+00' ])
{
	my ($name, $now, $until) = @$change;
	at($now);
	record();
	$node->safe_psql('postgres', "SELECT count(*) AS by_wall FROM h, generate_series(1, 100000);\nSELECT count(*) AS by_utc FROM h, generate_series(1, 100000);\n" x 20);
	record();
	my %id = map { $_ => sql("SELECT DISTINCT queryid FROM assist.statement_history WHERE query LIKE '%$_%'") } qw(by_wall by_utc);
	import_series('mean_exec_time', $id{by_wall}, office($local, 1), $until);
	import_series('mean_exec_time', $id{by_utc}, office($utc, 1), $until);
	is(judged(), '', "$name: neither what goes by the clock on the wall nor what goes by another is a regression");

	# 7:30 or 8:30 on the wall: normal is what that hour had before the change.
	is(sql(qq{SELECT round(normal_now / 10) FROM assist.baselines WHERE metric = 'mean_exec_time' AND object = '$id{by_wall}'}),
		$name eq 'winter' ? '1' : '3', "$name: normal is what this hour had before");
	import_series('office', $name, office($local, 1), $until);
	is(sql(qq{SELECT string_agg(extract(hour FROM at)::text, ' ' ORDER BY at) FILTER (WHERE expected > 20), count(DISTINCT at) FROM assist.forecast('office', '$name', '1 day')}),
		'8 9 10 11 12 13 14 15 16 17|24', "$name: the forecast goes by the wall");

	# A doubling is one all the same.
	import_series('mean_exec_time', $id{by_wall}, office($local, "CASE WHEN t > '$until'::timestamptz - interval '26 hours' THEN 2 ELSE 1 END"), $until);
	like(judged(), qr/slower true/, "$name: a doubling is found") or diag sql('SELECT onset, query, ratio FROM assist.regressions');
	sql('DELETE FROM assist.regression');
}

# The forecast over the change itself: as many hours as there are, each once.
at('2027-03-27 12:30');
is(sql(q{SELECT count(*), count(DISTINCT at), max(at) - min(at) FROM assist.forecast('office', 'summer', '2 days')}), '48|48|1 day 23:00:00', 'two days have 48 hours');

$node->stop;
done_testing();
