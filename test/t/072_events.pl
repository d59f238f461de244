# Events: what is recorded over restarts, crashes, rollbacks, databases and a promotion; who changed which setting;
# what is lost is counted; and what may hold a secret is nowhere.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('events', init => [ allows_streaming => 1 ], conf => "assist.interval = 0\nmax_prepared_transactions = 5\nlog_statement = none\nrestart_after_crash = on\n");
$node->safe_psql('postgres', q{CREATE DATABASE other; CREATE ROLE deployer SUPERUSER LOGIN; CREATE ROLE app LOGIN});
$node->safe_psql($_, 'CREATE EXTENSION pg_assist') for 'other';
refresh($_) for 'postgres', 'other';

sub refresh { my ($db) = @_; return $node->safe_psql($db // 'postgres', q{SELECT assist.refresh('{schema}') >= 0}) }
# What was recorded since the last call of this, of all kinds or one.
my %seen;
sub fresh
{
	my ($db, $kind) = @_;
	my $since = $seen{$db} // 0;
	refresh($db);
	my $out = $node->safe_psql($db, qq{SELECT kind || ': ' || concat_ws(' ', command, object, detail) || coalesce(' [' || old_value || ' > ' || new_value || ']', '')
		|| coalesce(' by ' || role, '') FROM assist.event WHERE id > $since AND kind NOT IN ('vacuum', 'analyze')
		AND ('@{[$kind // '']}' = '' OR kind = '@{[$kind // '']}') ORDER BY id});
	$seen{$db} = $node->safe_psql($db, 'SELECT coalesce(max(id), 0) FROM assist.event');
	return $out;
}
fresh($_) for 'postgres', 'other';

# Two databases: each its own, both what concerns the server.
$node->safe_psql('postgres', 'CREATE TABLE here (a int)', extra_params => [ '-U', 'deployer' ]);
$node->safe_psql('other', 'CREATE TABLE there (a int)');
$node->safe_psql('postgres', q{ALTER SYSTEM SET work_mem = '11MB'}, extra_params => [ '-U', 'deployer' ]);
is(fresh('postgres'), "ddl: CREATE TABLE public.here by deployer\nddl: ALTER SYSTEM SET work_mem by deployer", 'the database sees its own, and the server\'s');
is(fresh('other'), "ddl: CREATE TABLE public.there by " . $node->safe_psql('postgres', 'SELECT current_user') . "\nddl: ALTER SYSTEM SET work_mem by deployer",
	'so does the other');

# The change comes with the reload: who, old, new.
$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
my $reloaded = q{SELECT setting = '11264' FROM pg_settings WHERE name = 'work_mem'};
ok($node->poll_query_until('postgres', $reloaded), 'reloaded');
like(fresh('postgres'), qr/^reload: \nsetting: work_mem postgresql\.auto\.conf \[4MB > 11MB\] by deployer$/, 'ALTER SYSTEM and reload: who, old and new value');
like(fresh('other'), qr/setting: work_mem postgresql\.auto\.conf \[4MB > 11MB\] by deployer/, 'in the other database too');
is(fresh('postgres'), '', 'once');
# By hand, in the file: nobody knows who.
$node->append_conf('postgresql.conf', "random_page_cost = 1.1\nautovacuum_naptime = '2min'\nrestore_command = 'cp zzsecretzz0/%f %p'\nplpgsql.variable_conflict = 'error'\n");
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT setting = '1.1' FROM pg_settings WHERE name = 'random_page_cost'}), 'reloaded');
my $changes = fresh('postgres', 'setting');
is($changes, "setting: autovacuum_naptime postgresql.conf [1min > 2min]\nsetting: random_page_cost postgresql.conf [4 > 1.1]\nsetting: restore_command postgresql.conf [(masked) > (masked)]",
	'a change in the file: without a name, a command masked');
# What a session, its role or the database have for themselves is no change of the server.
$node->safe_psql('postgres', 'ALTER DATABASE other SET random_page_cost = 2; ALTER ROLE app SET work_mem = \'99MB\'; ALTER ROLE app IN DATABASE other SET jit = off');
fresh($_) for 'postgres', 'other';
$node->append_conf('postgresql.conf', 'maintenance_work_mem = 128MB');
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT setting = '131072' FROM pg_settings WHERE name = 'maintenance_work_mem'}), 'reloaded');
is($node->safe_psql('postgres', q{SET work_mem = '77MB'; SET random_page_cost = 3; SET statement_timeout = '1h'; SET TimeZone = 'Asia/Tokyo'; SELECT assist.refresh('{schema}') >= 0}), 't', 'refresh in a session with settings of its own');
is(fresh('postgres', 'setting'), 'setting: maintenance_work_mem postgresql.conf [64MB > 128MB]', 'is not misled by them');
is(fresh('other', 'setting'), 'setting: maintenance_work_mem postgresql.conf [64MB > 128MB]', 'nor by settings of the database');
is($node->safe_psql('other', q{SELECT name, scope, old_value, new_value, role_name IS NOT NULL, source FROM assist.setting_history WHERE scope <> 'system' ORDER BY name}),
	"jit|database+role||off|t|role app in other\nrandom_page_cost|database||2|t|database other\nwork_mem|role||99MB|t|role app", 'settings of databases and roles, and who');

# ALTER SYSTEM RESET and a setting that only a start changes; the ring is kept over a restart.
$node->safe_psql('postgres', q{ALTER SYSTEM RESET work_mem}, extra_params => [ '-U', 'deployer' ]);
$node->safe_psql('postgres', q{ALTER SYSTEM SET max_connections = 33}, extra_params => [ '-U', 'deployer' ]);
$node->safe_psql('postgres', q{CREATE TABLE before_restart (a int)});
$node->restart;
my $user = $node->safe_psql('postgres', 'SELECT current_user');
my $first = fresh('postgres');
is($first, join("\n", 'ddl: ALTER SYSTEM RESET work_mem by deployer', 'ddl: ALTER SYSTEM SET max_connections by deployer', "ddl: CREATE TABLE public.before_restart by $user",
		'restart: after a clean shutdown', 'setting: max_connections postgresql.auto.conf [10 > 33] by deployer', 'setting: work_mem default [11MB > 4MB] by deployer'),
	'what came before a restart is kept, the restart is recorded, settings changed by it');
ok(!-e $node->data_dir . '/pg_stat/pg_assist.events', 'the file was read and removed');
is($node->safe_psql('postgres', q{SELECT title FROM assist.markers WHERE kind = 'restart'}), 'server started', 'as a marker');

# A crash: the restart says so, numbers start anew, nothing comes twice.
$node->safe_psql('postgres', 'CREATE TABLE before_crash (a int)');
$node->stop('immediate');
$node->start;
$node->safe_psql('postgres', 'CREATE TABLE after_crash (a int)');
like(fresh('postgres'), qr/^restart: after a crash not after a clean shutdown: .*\nddl: CREATE TABLE public\.after_crash by $user$/, 'after a crash');
is(fresh('postgres'), '', 'nothing comes twice');
# A backend that dies takes the shared memory along, not the start of the server.
my ($in, $out, $err) = ('', '', '');
my $session = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', 'SELECT pg_sleep(60)' ], '>', \$out, '2>', \$err);
my $pid = '';
ok(wait_until(20, sub { ($pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'})) ne '' }), 'a session');
kill 'KILL', $pid;
IPC::Run::finish($session);
ok(wait_until(20, sub { slurp_file($node->logfile) =~ /all server processes terminated; reinitializing/ }), 'that was killed');
ok($node->poll_query_until('postgres', 'SELECT true', 't'), 'the server is back');
like(fresh('postgres'), qr/^restart: after a crash/, 'a backend that was killed: recovered, and recorded');

# Rollbacks of all kinds leave nothing.
$node->safe_psql('postgres', q{
	BEGIN; CREATE TABLE no (a int); ROLLBACK;
	BEGIN; SAVEPOINT s; CREATE TABLE no (a int); ROLLBACK TO s; CREATE TABLE yes (a int); COMMIT;
	BEGIN; CREATE TABLE no (a int); PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'});
$node->psql('postgres', "BEGIN; CREATE TABLE no (a int); SELECT 1/0; COMMIT", stderr => \$err);
$node->psql('postgres', "CREATE TABLE no (a int)\\; SELECT 1/0", stderr => \$err);
is(fresh('postgres'), "ddl: CREATE TABLE public.yes by $user", 'what was rolled back did not happen');

# An index built concurrently that is cancelled.
$node->safe_psql('postgres', 'CREATE TABLE big AS SELECT g AS a FROM generate_series(1, 10) g');
my $blocker = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') ], '<', \($in = "BEGIN; INSERT INTO big VALUES (1); SELECT 'locked';\n"), '>', \($out = ''), '2>', \($err = ''));
wait_until(20, sub { IPC::Run::pump_nb($blocker); return $out =~ /locked/ });
try_sql($node, 'postgres', q{SET statement_timeout = '500ms'; CREATE INDEX CONCURRENTLY big_a ON big (a)});
$in .= "ROLLBACK;\n\\q\n";
IPC::Run::finish($blocker);
like(fresh('postgres'), qr/ddl: CREATE INDEX public\.big_a CONCURRENTLY failed: it may have left an index that is not valid by $user/, 'cancelled: it left an index');
$node->safe_psql('postgres', 'DROP INDEX big_a');
fresh('postgres');

# More than the ring holds: what is lost is counted, exactly.
my $before = $node->safe_psql('postgres', 'SELECT sequence FROM assist.event_position');
$node->safe_psql('postgres', join ';', map { $_ % 2 ? 'CREATE TABLE flood (a int)' : 'DROP TABLE flood' } 1 .. 1000);
my $flood = fresh('postgres');
is(() = $flood =~ /^ddl: (?:CREATE|DROP) TABLE public\.flood by/mg, 512, 'the last 512 are there');
like($flood, qr/^lost: /, 'others were lost');
is($node->safe_psql('postgres', q{SELECT events FROM assist.event WHERE kind = 'lost'}), '488', 'counted');
is($node->safe_psql('postgres', q{SELECT title FROM assist.markers WHERE kind = 'lost'}), '488 events of the server were lost', 'as a marker');
is($node->safe_psql('postgres', 'SELECT sequence FROM assist.event_position') - $before, 1000, 'the position is exact');
# Of one transaction the first ones.
$node->safe_psql('postgres', 'BEGIN;' . join(';', map { $_ % 2 ? 'CREATE TABLE flood (a int)' : 'DROP TABLE flood' } 1 .. 1000) . ';COMMIT');
is(() = fresh('postgres') =~ /public\.flood/g, 64, '64 of a transaction');
is($node->safe_psql('postgres', q{SELECT title FROM assist.markers WHERE title LIKE 'and%'}), 'and 936 more', 'and how many more');

# A refresh that is rolled back takes nothing away from the next.
$node->safe_psql('postgres', 'CREATE TABLE kept (a int); BEGIN; SELECT assist.refresh(); ROLLBACK');
is(fresh('postgres', 'ddl'), "ddl: CREATE TABLE public.kept by $user", 'a refresh that was rolled back');

# Passwords are nowhere.
$node->safe_psql('postgres', q{
	ALTER ROLE app PASSWORD 'zzsecretzz1'; CREATE ROLE app2 PASSWORD 'zzsecretzz2';
	ALTER ROLE app SET my.password = 'zzsecretzz3'; ALTER DATABASE postgres SET my.secret_key = 'zzsecretzz4';
	ALTER SYSTEM SET primary_conninfo = 'password=zzsecretzz5'; ALTER SYSTEM SET ssl_passphrase_command = 'echo zzsecretzz6'; SELECT pg_reload_conf()});
ok($node->poll_query_until('postgres', q{SELECT setting ~ 'secretzz' FROM pg_settings WHERE name = 'primary_conninfo'}), 'reloaded');
like(fresh('postgres'), qr/ddl: ALTER ROLE app by.*setting: primary_conninfo postgresql.auto.conf \[\(masked\) > \(masked\)\] by/s, 'recorded');
for my $table (split /\n/, $node->safe_psql('postgres', q{SELECT oid::regclass FROM pg_class WHERE relnamespace = 'assist'::regnamespace AND relkind IN ('r', 'v')}))
{
	is($node->safe_psql('postgres', "SELECT count(*) FROM $table t WHERE t::text ~ 'zzsecretzz'"), '0', "no secret in $table");
}
# The server itself says what a reload has changed.
is(join("\n", grep { /zzsecretzz/ && !/parameter ".*" changed to/ } split /\n/, slurp_file($node->logfile)), '', 'none in the log');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET primary_conninfo; ALTER SYSTEM RESET ssl_passphrase_command');
$node->append_conf('postgresql.conf', "restore_command = ''\n");
$node->stop;
my $file = $node->data_dir . '/pg_stat/pg_assist.events';
my $content = slurp_file($file);
like($content, qr/flood/, 'the ring is saved');
unlike($content, qr/zzsecretzz/, 'no secret in it');

# A damaged file of the ring does no harm; nor one of another shutdown.
for my $damage ('', substr($content, 0, 1000), substr($content, 0, 1000) . 'x' . substr($content, 1001), "$content ", "\0" x length $content)
{
	open(my $handle, '>:raw', $file) or die;
	print $handle $damage;
	close $handle;
	$node->start;
	is($node->safe_psql('postgres', 'SELECT 1'), '1', 'starts with a damaged file');
	$node->safe_psql('postgres', 'CREATE TABLE IF NOT EXISTS after_damage (a int)');
	like(fresh('postgres'), qr/^restart: after a clean shutdown/, 'and begins anew');
	$node->stop;
}
$node->start;
$node->stop('immediate');
open(my $handle, '>:raw', $file) or die;
print $handle $content;
close $handle;
$node->start;
like(fresh('postgres'), qr/^restart: after a crash/, 'a file of an earlier shutdown is not taken');

# DROP EXTENSION and CREATE EXTENSION, DROP DATABASE.
$node->safe_psql('other', 'DROP EXTENSION pg_assist; CREATE EXTENSION pg_assist; CREATE TABLE again (a int)');
$seen{other} = 0;
like(fresh('other'), qr/ddl: CREATE TABLE public\.again by $user$/, 'a new extension');
fresh('postgres');
$node->safe_psql('postgres', 'DROP DATABASE other');
is(fresh('postgres'), "ddl: DROP DATABASE other by $user", 'DROP DATABASE');

# VACUUM and ANALYZE, by command and by autovacuum, once.
my $runs = q{SELECT kind, detail, count(*) FROM assist.event WHERE object = 'public.big' AND kind IN ('vacuum', 'analyze') GROUP BY 1, 2 ORDER BY 1, 2};
$node->safe_psql('postgres', 'DELETE FROM assist.event WHERE kind IN (\'vacuum\', \'analyze\')');
$node->safe_psql('postgres', 'VACUUM ANALYZE big');
refresh() for 1 .. 3;
is($node->safe_psql('postgres', $runs), "analyze|by command|1\nvacuum|by command|1", 'VACUUM and ANALYZE by command');
$node->append_conf('postgresql.conf', "autovacuum = on\nautovacuum_naptime = 1s\nautovacuum_vacuum_threshold = 1\nautovacuum_analyze_threshold = 1");
$node->reload;
$node->safe_psql('postgres', 'INSERT INTO big SELECT g FROM generate_series(1, 1000) g; DELETE FROM big');
ok($node->poll_query_until('postgres', q{SELECT last_autovacuum IS NOT NULL AND last_autoanalyze IS NOT NULL FROM pg_stat_user_tables WHERE relname = 'big'}), 'autovacuum came');
refresh() for 1 .. 2;
like($node->safe_psql('postgres', $runs), qr/analyze\|automatic\|[12]\nanalyze\|by command\|1\nvacuum\|automatic\|[12]\nvacuum\|by command\|1/, 'and by autovacuum');

# The worker sees what a session sees.
$node->safe_psql('postgres', q{ALTER SYSTEM SET assist.interval = 1; ALTER SYSTEM SET statement_timeout = '5min'; SELECT pg_reload_conf(); CREATE TABLE for_worker (a int)});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM assist.markers WHERE title = 'CREATE TABLE public.for_worker'}), 'the worker records DDL');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM assist.setting_history WHERE name = 'statement_timeout' AND role_name IS NOT NULL AND old_value = '0' AND new_value IN ('5min', '300000ms')}),
	'and a setting that it has overridden for itself') or diag $node->safe_psql('postgres', 'SELECT * FROM assist.setting_history');
sleep 3;
refresh();
is($node->safe_psql('postgres', q{SELECT count(*) FROM assist.setting_history WHERE name = 'statement_timeout'}), '1', 'once, whoever looks');
is($node->safe_psql('postgres', q{SELECT count(*) FROM assist.setting_history WHERE name IN ('TimeZone', 'client_encoding', 'jit', 'lock_timeout', 'search_path', 'synchronous_commit', 'extra_float_digits')}), '0', 'nothing of its own');

# A standby writes nothing; what it knows comes with the promotion, which is an event.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my ($status, $o, $e) = try_sql($standby, 'postgres', q{SELECT assist.mark('no')});
like($e, qr/ERROR:  25006/, 'a standby takes no marks');
$standby->safe_psql('postgres', q{ALTER SYSTEM SET geqo = off});
$node->stop;
$standby->promote;
ok($standby->poll_query_until('postgres', q{SELECT count(*) = 1 FROM assist.markers WHERE kind = 'promotion'}), 'a promotion is recorded');
is($standby->safe_psql('postgres', q{SELECT detail FROM assist.markers WHERE kind = 'promotion'}), 'timeline 1 to 2', 'with its timelines');
ok($standby->poll_query_until('postgres', q{SELECT count(*) = 1 FROM assist.markers WHERE title = 'ALTER SYSTEM SET geqo'}), 'what was done on the standby');
$standby->stop;
for my $server ($node, $standby)
{
	my $log = slurp_file($server->logfile);
	unlike($log, qr/PANIC|TRAP/, 'no crash of our own');
	unlike($log, qr/could not analyze/, 'no analysis failed');
}
done_testing();
