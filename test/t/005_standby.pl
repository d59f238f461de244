# A hot standby: capture and live views work, nothing is written; promotion; and the primary meanwhile.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $primary = new_node('primary', init => [ allows_streaming => 1 ], conf => "assist.interval = 1s\n");
$primary->safe_psql('postgres', 'CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

ok(wait_for_worker($standby, 'collector'), 'the collector runs on a standby');
$standby->safe_psql('postgres', "SELECT * FROM t WHERE a = $_") for 1 .. 5;
is(calls_of($standby, 'SELECT * FROM t WHERE%'), '5', 'statements are counted on a standby');
is($standby->safe_psql('postgres', "SELECT executor_scans FROM assist.index_use WHERE index_name = 'public.t_pkey'"),
	$standby->safe_psql('postgres', "SELECT 5 - coalesce(sum(calls), 0) FROM assist.plans WHERE plan::text LIKE '%Seq Scan%' AND queryid IN
		(SELECT queryid FROM assist.statements WHERE query LIKE 'SELECT * FROM t WHERE%')"),
	'index use is attributed on a standby');
is($standby->safe_psql('postgres', q{SELECT cost_after > 0 FROM assist.what_if(ARRAY['SELECT * FROM t WHERE a = 1'])}), 't',
	'what_if plans on a standby');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM assist.advise_indexes(NULL, ARRAY['SELECT * FROM t WHERE a = 1'])}), '0',
	'advise_indexes runs on a standby');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM assist.statements WHERE calls > 0') > 0, 1, 'views work');

# What must write says so.
for my $call ('assist.refresh()')
{
	next if $standby->safe_psql('postgres', "SELECT to_regproc('assist.refresh') IS NULL") eq 't';
	my ($status, $out, $err) = try_sql($standby, 'postgres', "SELECT $call");
	like($err, qr/ERROR:  25006/, "$call is refused during recovery");
}

# Analysts have had the time to visit; they must have left the standby alone.
sleep 3;
my $log = slurp_file($standby->logfile);
# A worker's lines have no application name after the process id.
unlike($log, qr/\[\d+\] (ERROR|FATAL):  (?!terminating)/, 'no worker failed there');
unlike($log, qr/PANIC|was terminated by signal/, 'nothing crashed on the standby');

$standby->promote;
ok($standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), 'promotion works');
$standby->safe_psql('postgres', 'INSERT INTO t VALUES (1000)');
$standby->safe_psql('postgres', "SELECT * FROM t WHERE a = $_") for 1 .. 3;
is(calls_of($standby, 'SELECT * FROM t WHERE%'), '8', 'counts go on over the promotion');
if ($standby->safe_psql('postgres', "SELECT to_regproc('assist.refresh') IS NOT NULL") eq 't')
{
	is($standby->safe_psql('postgres', 'SELECT assist.refresh() >= 0'), 't', 'the promoted server analyses');
}
$standby->stop('fast');
$primary->stop('fast');
done_testing();
