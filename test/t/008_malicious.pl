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

$node->safe_psql('postgres', 'DROP OWNED BY attacker; DROP ROLE attacker');
($status, $out, $err) = try_sql($node, 'postgres', 'SELECT assist.refresh() >= 0');
is($out, 't', 'a role that is gone') or diag $err;
unlike(slurp_file($node->logfile), qr/PANIC|was terminated by signal/, 'nothing crashed');
$node->stop;
done_testing();
