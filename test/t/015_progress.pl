# assist.progress: what a long run is at, who sees it, and that nothing stays of one that is cancelled.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('progress', conf => "assist.interval = 0\n");
$node->safe_psql('postgres', q{
	CREATE ROLE dashboard LOGIN;
	GRANT pg_read_all_stats TO dashboard;
	CREATE ROLE nobody LOGIN;
	GRANT USAGE ON SCHEMA assist TO nobody, dashboard;
	GRANT SELECT ON assist.progress TO nobody;
	GRANT EXECUTE ON FUNCTION assist._progress() TO nobody});
$node->safe_psql('postgres', join ';', map { "CREATE TABLE j$_ AS SELECT g AS id, g % 100 AS a, g % 70 AS b, g % 30 AS c FROM generate_series(1, 20000) g; ANALYZE j$_" } 1 .. 11);
is($node->safe_psql('postgres', 'SELECT count(*) FROM assist.progress'), '0', 'nothing goes on');

# Joins of eleven tables, which take some time to plan.
my $queries = join ', ', map {
	my $n = $_;
	"'SELECT count(*) FROM " . join(', ', map { "j$_" } 1 .. 11) . ' WHERE ' .
	  join(' AND ', (map { "j$_.a = j" . ($_ + 1) . '.b' } 1 .. 10), "j1.c = $n") . "'"
} 1 .. 1500;
my $advising = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $advising->query_safe('SELECT pg_backend_pid()');
$advising->query_until(qr/begun/, "\\echo begun\nSELECT count(*) FROM assist.advise_indexes(queries => ARRAY[$queries]);\n");
my $row = 'FROM assist.progress WHERE pid = ' . $pid;
ok($node->poll_query_until('postgres', "SELECT command = 'advise_indexes' AND phase = 'reading statements' AND statements_total = 1500 AND statements_done BETWEEN 2 AND 1500 $row"),
	'it is told how many of the statements were read');
ok($node->poll_query_until('postgres', "SELECT phase = 'choosing indexes' AND plans > 1 AND candidates > 1 $row"), 'then how many plans were made');
ok($node->poll_query_until('postgres', "SELECT datname = 'postgres' $row"), 'with the database');
my $seen = "SELECT count(*) FROM pg_stat_progress_copy UNION ALL SELECT count(*) FROM pg_stat_progress_vacuum UNION ALL SELECT count(*) FROM pg_stat_progress_analyze UNION ALL SELECT count(*) FROM pg_stat_progress_create_index";
is($node->safe_psql('postgres', $seen), "0\n0\n0\n0", 'and by no view of the server');
# It is away for an instant after each of the subtransactions.
sub seen_as
{
	my ($role, $what) = @_;
	for (1 .. 100)
	{
		my $seen = $node->safe_psql('postgres', "SELECT $what $row", extra_params => [ '-U', $role ]);
		return $seen if $seen ne '';
	}
	return '';
}
is(seen_as('dashboard', 'command'), 'advise_indexes', 'who reads statistics sees it');
is(seen_as('nobody', 'command IS NULL, phase IS NULL, plans IS NULL'), 't|t|t', 'others see that there is one');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 $row"), 'a run that is cancelled is gone');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND state = 'idle'"), '1', 'its session goes on') if $node->poll_query_until('postgres', "SELECT state = 'idle' FROM pg_stat_activity WHERE pid = $pid");
# The next one begins from its own beginning, and ends by itself.
$advising->query_until(qr/again/, "SELECT count(*) FROM assist.advise_indexes(queries => ARRAY['SELECT * FROM j1 WHERE id = 1']);\n\\echo again\n");
is($node->safe_psql('postgres', "SELECT count(*) $row"), '0', 'one that has ended is gone, too');
# Inside a command that tells its own progress nothing of ours is told, and nothing of its is lost.
my ($ret, $out, $err) = $node->psql('postgres', "COPY (SELECT c.tuples_processed IS NOT NULL, (SELECT count(*) FROM assist.progress) FROM assist.refresh() r, pg_stat_progress_copy c WHERE c.pid = pg_backend_pid() AND r >= 0) TO STDOUT");
is($out, "t\t0", 'COPY keeps its own');
eval { $advising->quit; 1 } or note 'it was cancelled';
$node->stop;
done_testing();
