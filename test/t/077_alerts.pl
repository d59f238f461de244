# Who is told of alerts: whoever listens, by the analyst's own transaction, and the log when it is to; never with the
# text of a statement, a parameter or the name of anything. What is muted is not told of.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('alerts', conf => "assist.interval = 1\nassist.log_alerts = on\nlog_statement = none\nlog_min_duration_statement = -1\nshared_buffers = 1MB\nassist.history_tiers = '1s:1h, 1min:6h, 1h:60d'\n");
$node->safe_psql('postgres', q{
	CREATE TABLE patients (id int PRIMARY KEY, illness text);
	INSERT INTO patients SELECT g, repeat('x', 300) FROM generate_series(1, 30000) g;
	VACUUM ANALYZE patients;
	SELECT assist.set_threshold('single_row_time', '', 0.00001)});
my $lookup = "SELECT illness FROM patients WHERE id = 4711 AND illness <> 'measles'";

# Two hundred calls, and an evaluation by the analyst, as if five minutes had passed.
sub round_of_work
{
	my ($number) = @_;
	$node->safe_psql('postgres', join ';', map { "$lookup;SELECT count(illness) FROM patients" } 1 .. 40);
	my $at = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
	ok(wait_until(30, sub { $node->safe_psql('postgres', "SELECT max(until) > '$at' FROM assist.history_block WHERE kind = 1") eq 't' }),
		"round $number is recorded");
	$node->safe_psql('postgres', q{UPDATE assist.alert_judged SET at = '-infinity' WHERE pace = 'minutes'});
	ok(wait_until(30, sub { $node->safe_psql('postgres', q{SELECT isfinite(at) FROM assist.alert_judged WHERE pace = 'minutes'}) eq 't' }),
		"round $number is judged");
}

ok(wait_until(30, sub { $node->safe_psql('postgres', q{SELECT count(*) FROM assist.alert_judged WHERE pace = 'minutes'}) eq '1' }), 'the analyst judges');
my ($in, $out) = ("LISTEN assist_events;\n", '');
my $listener = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', '-' ], '<', \$in, '>', \$out, '2>&1', IPC::Run::timeout(120));
$listener->pump_nb for 1 .. 3;
my $since = -s $node->logfile;
round_of_work($_) for 1 .. 3;
my $alerts = $node->safe_psql('postgres', q{SELECT string_agg(metric || ' ' || status, ', ' ORDER BY metric COLLATE "C") FROM assist.alerts WHERE metric IN ('single_row_time', 'cache_hit_ratio')});
is($alerts, 'cache_hit_ratio open, single_row_time open', 'two alerts');
ok(wait_until(30, sub { $in .= "SELECT 1;\n"; $listener->pump_nb; $out =~ /cache_hit_ratio/ && $out =~ /single_row_time/ }), 'a listener is told') or diag $out;
my @payloads = $out =~ /payload "(.*)" received/g;
like($payloads[0] // '', qr/^\{"id": \d+, "severity": "(warning|critical)", "kind": "\w+", "status": "open"\}$/, 'by a payload of four fields');
my $log = slurp_file($node->logfile, $since);
like($log, qr/LOG:  pg_assist: warning alert \d+ \(single_row_time\) in database "postgres" is open/, 'and the log');
unlike($log . $out, qr/patients|illness|measles|4711/, 'without a text or a parameter');

# A second finding is not told again, a muted one not at all.
my $told = @payloads;
$node->safe_psql('postgres', q{SELECT assist.mute(id, now() + interval '1 hour') FROM assist.alerts WHERE metric = 'single_row_time'});
$node->safe_psql('postgres', q{SELECT assist.set_threshold('single_row_time', '', 1e6)});
$since = -s $node->logfile;
round_of_work($_) for 4 .. 6;
is($node->safe_psql('postgres', q{SELECT status FROM assist.alert WHERE metric = 'single_row_time'}), 'resolved', 'it is over');
$in .= "SELECT 2;\n";
$listener->pump_nb for 1 .. 5;
my @later = $out =~ /payload "(.*)" received/g;
is(scalar @later, $told, 'nobody is told') or diag join "\n", @later;
unlike(slurp_file($node->logfile, $since), qr/pg_assist: \w+ alert/, 'nor the log');
$listener->kill_kill;

# Somebody who reviews an alert and leaves the transaction open keeps nobody from being analysed.
my $holder = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', q{BEGIN; SELECT assist.acknowledge(id) FROM assist.alerts WHERE status = 'open'; SELECT pg_sleep(60)} ],
	'>', \my $held, '2>&1', IPC::Run::timeout(120));
ok(wait_until(30, sub { $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND wait_event = 'PgSleep'}) eq '1' }), 'an alert is being reviewed');
$node->safe_psql('postgres', join ';', map { "$lookup;SELECT count(illness) FROM patients" } 1 .. 40);
$node->safe_psql('postgres', q{UPDATE assist.alert_judged SET at = '-infinity' WHERE pace = 'minutes'});
my $before = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
ok(wait_until(30, sub { $node->safe_psql('postgres', "SELECT max(evaluated_at) > '$before' FROM assist.rule_state") eq 't' }), 'rules are evaluated meanwhile');
is($node->safe_psql('postgres', q{SELECT isfinite(at) FROM assist.alert_judged WHERE pace = 'minutes'}), 'f', 'alerts wait');
$holder->kill_kill;
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND wait_event = 'PgSleep'});
ok(wait_until(30, sub { $node->safe_psql('postgres', q{SELECT isfinite(at) FROM assist.alert_judged WHERE pace = 'minutes'}) eq 't' }), 'and come after it');

# More connections than at this hour of the days before; over when they are gone.
$node->safe_psql('postgres', q{
	INSERT INTO assist.history_block (ring, kind, start, until, observed, rows, data)
	SELECT 8 + floor(extract(epoch FROM t - '2000-01-01 00:00+00') / 1728000)::int % 4, 5, t - interval '1 hour', t, 3600, b.rows, b.data
	  FROM (SELECT rows, data FROM assist.history_block WHERE kind = 5 ORDER BY until DESC LIMIT 1) b, generate_series(now() - interval '4 days', now() - interval '1 day', '1 day') t});
my $storm = q{SELECT status FROM assist.alert WHERE metric = 'connection_storm'};
round_of_work(7);
is($node->safe_psql('postgres', $storm), '', 'as many connections as ever');
my $script = PostgreSQL::Test::Utils::tempdir . '/sleep.sql';
append_to_file($script, "SELECT pg_sleep(1);\n");
my $crowd = IPC::Run::start([ 'pgbench', '-n', '-c', '30', '-T', '120', '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ], '>', \my $bench, '2>&1', IPC::Run::timeout(180));
ok(wait_until(30, sub { $node->safe_psql('postgres', q{SELECT numbackends > 30 FROM pg_stat_database WHERE datname = 'postgres'}) eq 't' }), 'a crowd has come') or diag $bench;
round_of_work($_) for 8 .. 10;
is($node->safe_psql('postgres', $storm), 'open', 'a storm of connections');
like($node->safe_psql('postgres', q{SELECT title FROM assist.alert WHERE metric = 'connection_storm'}), qr/^3\d connections, 3\.\d times as many as usual$/, 'as many times as usual');
$crowd->signal('INT');
$crowd->finish;
ok(wait_until(30, sub { $node->safe_psql('postgres', q{SELECT numbackends < 10 FROM pg_stat_database WHERE datname = 'postgres'}) eq 't' }), 'it has gone');
round_of_work($_) for 11 .. 14;
is($node->safe_psql('postgres', $storm), 'resolved', 'and so has the alert');

is($node->safe_psql('postgres', q{SELECT last_error IS NULL FROM assist.status WHERE component = 'analyst'}), 't', 'the analyst had no error');
$node->stop;
done_testing();
