# The library preloaded, not preloaded, and loaded by hand.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

# Preloaded: the collector runs, and a statement is visible as soon as it has ended.
my $node = new_node('preloaded');
ok(wait_for_worker($node, 'collector'), 'collector runs');
$node->safe_psql('postgres', 'CREATE TABLE seen (a int)');
$node->safe_psql('postgres', "SELECT * FROM seen WHERE a = $_") for 1 .. 3;
is(calls_of($node, 'SELECT * FROM seen%'), '3', 'three executions are visible at once');
is($node->safe_psql('postgres', "SELECT count(DISTINCT queryid) FROM assist.statements WHERE query LIKE 'SELECT * FROM seen%'"),
	'1', 'as one statement');
is($node->safe_psql('postgres', 'SHOW compute_query_id'), 'auto', 'query ids need no setting');

# A mistyped setting of ours is refused, not stored.
my ($status, $out, $err) = try_sql($node, 'postgres', 'SET assist.no_such_setting = 1');
like($err, qr/ERROR:  42602/, 'prefix assist is reserved');
$node->stop;

# Not preloaded: a clean error with the line for postgresql.conf, in every function that needs shared memory.
my $plain = new_node('plain', preload => '', extension => 0);
($status, $out, $err) = try_sql($plain, 'postgres', 'CREATE EXTENSION pg_assist');
is($status, 0, 'CREATE EXTENSION works without preload') or diag $err;
for my $view (split /\n/, $plain->safe_psql('postgres', q{
	SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'assist'::regnamespace AND relkind = 'v'
	 ORDER BY 1::text}))
{
	($status, $out, $err) = try_sql($plain, 'postgres', "SELECT count(*) FROM $view");
	next if $status == 0;    # works on tables or on the pure core
	like($err, qr/ERROR:  55000: .*\n?.*(?s:.*)HINT:.*shared_preload_libraries/, "$view says what to do");
}
for my $call ('assist.statements')
{
	($status, $out, $err) = try_sql($plain, 'postgres', "SELECT * FROM $call");
	like($err, qr/55000/, "$call needs preload");
}
is($plain->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_assist%'"),
	'0', 'no worker without preload');

# LOAD in a session, as a superuser may: no harm, no hooks, no FATAL.
($status, $out, $err) = try_sql($plain, 'postgres', "LOAD 'pg_assist'; SELECT 'alive'");
is($status, 0, 'LOAD in a session');
is($out, 'alive', 'the session goes on');
unlike($plain->safe_psql('postgres', 'SELECT 1') . slurp_file($plain->logfile), qr/FATAL|PANIC/, 'nothing was FATAL');

# session_preload_libraries, as some do: the same.
$plain->append_conf('postgresql.conf', "session_preload_libraries = 'pg_assist'");
$plain->reload;
is($plain->safe_psql('postgres', 'SELECT 1'), '1', 'session_preload_libraries does no harm');
$plain->stop;

done_testing();
