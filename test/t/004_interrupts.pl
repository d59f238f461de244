# Cancel, statement_timeout and terminate inside our functions: they end at once, under their own SQLSTATE,
# and leave the session as it was.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use Assist;

my $node = new_node('interrupts');
$node->safe_psql('postgres', q{
	CREATE TABLE t (a int PRIMARY KEY, b int);
	INSERT INTO t SELECT g, g % 100 FROM generate_series(1, 10000) g;
	ANALYZE t});

# Each works for many seconds when left alone.
my %long = (
	what_if => q{SELECT count(*) FROM assist.what_if(array_fill('SELECT * FROM t x JOIN t y USING (b) WHERE x.a < 17'::text, ARRAY[200000]),
		ARRAY['CREATE INDEX ON t (b)'])},
	advise_indexes => q{SELECT count(*) FROM assist.advise_indexes(NULL, array_fill('SELECT * FROM t x JOIN t y USING (b) WHERE x.a < 17'::text, ARRAY[200000]))},
	statements => q{SELECT count(*) FROM generate_series(1, 2000000), LATERAL (SELECT * FROM assist.statements OFFSET 0) s},
	index_use => q{SELECT count(*) FROM generate_series(1, 2000000), LATERAL (SELECT * FROM assist.index_use OFFSET 0) s},);

for my $name (sort keys %long)
{
	my $started = time;
	my ($status, $out, $err) = try_sql($node, 'postgres', "SET statement_timeout = 300; $long{$name}");
	like($err, qr/ERROR:  57014: canceling statement due to statement timeout/, "$name: statement_timeout");
	cmp_ok(time - $started, '<', 5, "$name: ends at once");

	# The error in a subtransaction, and the session and its counters afterwards.
	($status, $out, $err) = try_sql($node, 'postgres', qq{
		CREATE FUNCTION pg_temp.try_it() RETURNS text LANGUAGE plpgsql AS \$\$
		BEGIN
			PERFORM 1 FROM ($long{$name}) x;
			RETURN 'no error';
		EXCEPTION WHEN query_canceled THEN RETURN 'cancelled';
		END \$\$;
		SET statement_timeout = 300;
		SELECT pg_temp.try_it();
		RESET statement_timeout;
		SELECT count(*) FROM t;
		SELECT cost_after < cost_before FROM assist.what_if(ARRAY['SELECT * FROM t WHERE b = 1'], ARRAY['CREATE INDEX ON t (b)'])});
	is($out, "cancelled\n10000\nt", "$name: the session goes on") or diag $err;

	# pg_cancel_backend and pg_terminate_backend.
	for my $how ('cancel', 'terminate')
	{
		my $session = $node->background_psql('postgres', on_error_stop => 0);
		my $pid = $session->query_safe('SELECT pg_backend_pid()');
		$session->query_until(qr/running/, "\\echo running\n$long{$name};\n");
		$node->poll_query_until('postgres', "SELECT state = 'active' AND query LIKE '%count(*)%' FROM pg_stat_activity WHERE pid = $pid");
		$started = time;
		$node->safe_psql('postgres', "SELECT pg_${how}_backend($pid)");
		ok( $node->poll_query_until('postgres',
				"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid AND state = 'active'"),
			"$name: pg_${how}_backend ends it");
		cmp_ok(time - $started, '<', 5, "$name: at once");
		eval { $session->quit };
	}
}

is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass"), '0', 'no lock is left');
my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|was terminated by signal/, 'nothing crashed');
unlike($log, qr/WARNING:.*(leak|not closed|still active)/, 'nothing leaked');
$node->stop;
done_testing();
