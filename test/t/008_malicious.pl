# Planning a captured statement may run functions in it. They run with the rights of the role that ran the
# statement, restricted, and what they do is undone: whoever asks for the analysis.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('malicious', conf => "assist.interval = 0\nassist.sample_rate = 1\n");
$node->safe_psql('postgres', q{
	CREATE ROLE attacker LOGIN;
	CREATE SCHEMA lair AUTHORIZATION attacker;
	CREATE TABLE lair_log (who text)});
$node->safe_psql('postgres', q{
	CREATE TABLE lair.t (a int, b text);
	INSERT INTO lair.t SELECT g, repeat('x', 50) FROM generate_series(1, 100000) g;
	ANALYZE lair.t;
	-- Says who it is, tries to become more, and leaves something behind.
	CREATE FUNCTION lair.evil(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		RAISE LOG 'evil runs as % for %', current_user, session_user;
		BEGIN EXECUTE 'ALTER ROLE attacker SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'RESET SESSION AUTHORIZATION'; EXECUTE 'ALTER ROLE attacker SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'RESET ROLE'; EXECUTE 'ALTER ROLE attacker SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'SET ROLE postgres'; EXECUTE 'ALTER ROLE attacker SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'SET SESSION AUTHORIZATION postgres'; EXECUTE 'ALTER ROLE attacker SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'INSERT INTO public.lair_log VALUES (current_user)'; EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'CREATE TABLE lair.left_behind (a int)'; EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'SET search_path = lair'; EXCEPTION WHEN OTHERS THEN NULL; END;
		RETURN i;
	END $$;
	-- The same name as a server function, found first by the captured search_path only.
	CREATE FUNCTION lair.lower(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		RAISE LOG 'evil runs as % for %', current_user, session_user;
		RETURN $1;
	END $$;
	CREATE OPERATOR lair.= (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)},
	extra_params => [ '-U', 'attacker' ]);
$node->safe_psql('postgres', 'SET search_path = lair, pg_catalog; SELECT b FROM t WHERE a OPERATOR(pg_catalog.=) evil(7);',
	extra_params => [ '-U', 'attacker' ]) for 1 .. 30;
$node->safe_psql('postgres', q{SET search_path = lair, pg_catalog; SELECT b FROM t WHERE a < 9 AND b OPERATOR(pg_catalog.=) lower('y');},
	extra_params => [ '-U', 'attacker' ]) for 1 .. 30;
$node->safe_psql('postgres', 'DROP TABLE IF EXISTS lair.left_behind');

sub who_ran_since
{
	my ($since) = @_;
	my %who;
	$who{$_}++ for slurp_file($node->logfile, $since) =~ /evil runs as (\S+ for \S+)/g;
	return \%who;
}

my $since = -s $node->logfile;
my ($status, $out, $err) = try_sql($node, 'postgres', q{
	SELECT assist.refresh() >= 0;
	SELECT count(*) FROM assist.statements WHERE query LIKE '%lair%' OR query LIKE '%evil%';
	SELECT current_user || ' ' || session_user || ' ' || current_setting('search_path')});
is($status, 0, 'the analysis ends well') or diag $err;
like($out, qr/postgres postgres "\$user", public/, 'and leaves the session as it was');
my $who = who_ran_since($since);
cmp_ok(scalar keys %$who, '>', 0, 'the captured statement was planned');
is(join(', ', grep { !/^attacker for / } keys %$who), '', 'its function ran as nobody but its owner');
is($node->safe_psql('postgres', "SELECT rolsuper FROM pg_roles WHERE rolname = 'attacker'"), 'f', 'attacker is no superuser');
is($node->safe_psql('postgres', 'SELECT count(*) FROM lair_log'), '0', 'nothing was written elsewhere');
is($node->safe_psql('postgres', "SELECT to_regclass('lair.left_behind') IS NULL"), 't', 'what it did was undone');

# Others who used what the attacker owns: by a view, an operator that the planner estimates with, a partial index,
# a constraint, a policy, a domain. Planning that again must not run the attacker's code with their rights.
$node->safe_psql('postgres', 'CREATE ROLE auditor LOGIN');
$node->safe_psql('postgres', q{
	SET client_min_messages = error; SET max_parallel_maintenance_workers = 0;
	CREATE FUNCTION lair.below(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM lair.evil(1); RETURN $1 < $2; END $$;
	CREATE OPERATOR lair.<<< (LEFTARG = int, RIGHTARG = int, FUNCTION = lair.below, RESTRICT = scalarltsel);
	CREATE DOMAIN lair.small AS int CHECK (lair.evil(VALUE) < 1000000);
	CREATE VIEW lair.seen AS SELECT a, b FROM lair.t WHERE lair.evil(1) = 1;
	CREATE TABLE lair.guarded (a int, b text, CHECK (a < lair.evil(1000000)));
	INSERT INTO lair.guarded SELECT a, b FROM lair.t;
	CREATE INDEX ON lair.guarded (a) WHERE lair.evil(1) = 2;
	CREATE TABLE lair.private (a int, b text);
	INSERT INTO lair.private SELECT a, b FROM lair.t;
	CREATE POLICY p ON lair.private USING (lair.evil(1) = 1);
	ALTER TABLE lair.private ENABLE ROW LEVEL SECURITY;
	ANALYZE;
	GRANT USAGE ON SCHEMA lair TO auditor;
	GRANT SELECT ON ALL TABLES IN SCHEMA lair TO auditor},
	extra_params => [ '-U', 'attacker' ]);
for my $victim ('postgres', 'auditor')
{
	$node->safe_psql('postgres', q{
		SET constraint_exclusion = on; SET max_parallel_workers_per_gather = 0;
		SELECT b FROM lair.seen WHERE a = 7;
		SELECT b FROM lair.t WHERE a OPERATOR(lair.<<<) 7;
		SELECT b FROM lair.guarded WHERE a = 7;
		SELECT b FROM lair.private WHERE a = 7;
		SELECT b FROM lair.t WHERE a = '7'::lair.small;
		SELECT b FROM lair.t WHERE a = 7 AND lair.evil(3) = 3},
		extra_params => [ '-U', $victim ]) for 1 .. 12;
}
$since = -s $node->logfile;
($status, $out, $err) = try_sql($node, 'postgres', 'SELECT assist.refresh() >= 0');
is($out, 't', 'an analysis of what others ran on it') or diag $err;
$who = who_ran_since($since);
is(join(', ', grep { !/^attacker for / } keys %$who), '', 'ran nothing with their rights');
# And that this test could fail: run by the victims themselves, all of it does run with their rights.
$since = -s $node->logfile;
$node->safe_psql('postgres', 'SELECT b FROM lair.seen WHERE a = 7', extra_params => [ '-U', 'auditor' ]);
ok(who_ran_since($since)->{'auditor for auditor'}, 'as it does when they run it');

# What a superuser made of the attacker's functions: an operator class, by whose index the planner looks up the largest
# value, and an event trigger, which what the analysis writes must not fire.
$node->safe_psql('postgres', q{
	CREATE FUNCTION lair.compare(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		RAISE LOG 'evil runs as % for %', current_user, session_user;
		RETURN btint4cmp($1, $2);
	END $$;
	CREATE FUNCTION lair.at_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM lair.evil(1); END $$},
	extra_params => [ '-U', 'attacker' ]);
$node->safe_psql('postgres', q{
	CREATE OPERATOR CLASS lair.ops FOR TYPE int USING btree AS
		OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 lair.compare(int, int);
	SET max_parallel_maintenance_workers = 0;
	CREATE TABLE vault AS SELECT g AS a, repeat('x', 200) AS b FROM generate_series(1, 2000) g;
	CREATE INDEX ON vault (a lair.ops);
	ANALYZE vault;
	GRANT SELECT ON vault TO auditor;
	CREATE EVENT TRIGGER lair_ddl ON ddl_command_start EXECUTE FUNCTION lair.at_ddl()});
for my $victim ('postgres', 'auditor')
{
	$node->safe_psql('postgres', q{SELECT a FROM vault WHERE b = 'y' AND a > 1999}, extra_params => [ '-U', $victim ]) for 1 .. 12;
}
$since = -s $node->logfile;
($status, $out, $err) = try_sql($node, 'postgres', 'SELECT assist.refresh() >= 0');
is($out, 't', "an analysis with an attacker's operator class and event trigger") or diag $err;
is(join(', ', grep { !/^attacker for / } keys %{ who_ran_since($since) }), '', 'runs nothing with the rights of others');
$node->safe_psql('postgres', 'DROP EVENT TRIGGER lair_ddl; DROP TABLE vault; DROP OPERATOR FAMILY lair.ops USING btree');

# A function that fails, one that waits for a lock, and a role that is gone: the analysis goes on without them.
$node->safe_psql('postgres', q{
	CREATE OR REPLACE FUNCTION lair.evil(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'no'; END $$},
	extra_params => [ '-U', 'attacker' ]);
($status, $out, $err) = try_sql($node, 'postgres', 'SELECT assist.refresh() >= 0');
is($out, 't', 'a function that fails') or diag $err;

my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE lair.t');
($status, $out, $err) = try_sql($node, 'postgres', q{SET statement_timeout = '30s'; SELECT assist.refresh() >= 0});
is($out, 't', 'a table that is locked') or diag $err;
$locker->query_safe('ROLLBACK');
$locker->quit;

# A function that takes its time, and one that also swallows the cancel of a worker.
$node->safe_psql('postgres', q{
	CREATE OR REPLACE FUNCTION lair.evil(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(1000); RETURN i; END $$},
	extra_params => [ '-U', 'attacker' ]);
($status, $out, $err) = try_sql($node, 'postgres', q{SET statement_timeout = '60s'; SELECT assist.refresh() >= 0; SELECT count(*) FROM lair_log});
is($out, "t\n0", 'a function that sleeps') or diag $err;
($status, $out, $err) = try_sql($node, 'postgres', q{SET statement_timeout = '300ms'; SELECT assist.refresh() >= 0});
like($err, qr/canceling statement due to statement timeout/, 'and statement_timeout remains what it is');
$node->safe_psql('postgres', q{
	CREATE OR REPLACE FUNCTION lair.evil(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		LOOP BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;
	END $$},
	extra_params => [ '-U', 'attacker' ]);
$node->safe_psql('postgres', 'ALTER SYSTEM SET assist.interval = 1; SELECT pg_reload_conf()');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'pg_assist analyst' AND wait_event = 'PgSleep'}),
	'a worker is kept in a function');
my $worker = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'pg_assist analyst' AND wait_event = 'PgSleep'});
ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = '0$worker'::int)"), 'and ends all the same');
$node->safe_psql('postgres', q{ALTER SYSTEM SET assist.interval = 0; SELECT pg_reload_conf();
	CREATE OR REPLACE FUNCTION lair.evil(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'});

$node->safe_psql('postgres', 'DROP OWNED BY attacker CASCADE; DROP ROLE attacker');
($status, $out, $err) = try_sql($node, 'postgres', 'SELECT assist.refresh() >= 0');
is($out, 't', 'a role that is gone') or diag $err;
unlike(slurp_file($node->logfile), qr/PANIC|was terminated by signal/, 'nothing crashed');
$node->stop;
done_testing();
