# pg_cron runs assist.refresh(), as README says.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my ($sharedir) = run_command([ 'pg_config', '--sharedir' ]);
plan skip_all => 'pg_cron is not installed' unless -e "$sharedir/extension/pg_cron.control";

my $node = new_node('cron', preload => 'pg_assist, pg_cron', conf => <<'CONF');
assist.interval = 0
cron.database_name = 'postgres'
cron.use_background_workers = on
CONF
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron');
$node->safe_psql('postgres', 'CREATE TABLE t (a int, b text); INSERT INTO t SELECT g, g FROM generate_series(1, 50000) g; ANALYZE t');
$node->safe_psql('postgres', "SELECT b FROM t WHERE a = $_") for 1 .. 30;
$node->safe_psql('postgres', q{SELECT cron.schedule('pg_assist', '* * * * *', 'SELECT assist.refresh()')});
ok(wait_until(90, sub {
	$node->safe_psql('postgres', "SELECT count(*) FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')") > 0 }),
	'the job has run');
is($node->safe_psql('postgres', "SELECT status FROM cron.job_run_details ORDER BY runid LIMIT 1"), 'succeeded', 'and succeeded');
is($node->safe_psql('postgres', q{SELECT count(*) FROM assist.statements WHERE query = 'SELECT assist.refresh()'}), '1',
	'it is a statement like others');
$node->stop;
done_testing();
