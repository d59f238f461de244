# max_wal_size from end to end: WAL forces checkpoints, the rule says so and its migration ends it; checkpoints that
# somebody asks for are no reason.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $conf = "assist.interval = 0\ncheckpoint_timeout = 1h\nmin_wal_size = 32MB\nmax_wal_size = 48MB\nfsync = off\n";
my $node = new_node('checkpoints', conf => $conf);
my $find = q{SELECT count(*) FROM assist.recommendations WHERE rule = 'max_wal_size'};

my $counters = $node->safe_psql('postgres', q{SELECT to_regclass('pg_stat_checkpointer') IS NULL}) eq 't'
  ? 'SELECT checkpoints_timed, checkpoints_req FROM pg_stat_bgwriter'
  : 'SELECT num_timed, num_requested FROM pg_stat_checkpointer';

# An analysis remembers the server's counters every five minutes; here after each piece of work.
sub remembered
{
	my ($work) = @_;
	$node->safe_psql('postgres', $work);
	$node->safe_psql('postgres', qq{SELECT assist.refresh(); INSERT INTO assist.server_counter
		SELECT clock_timestamp(), w.wal_bytes, c.*, 1 FROM pg_stat_wal w, ($counters) c});
	return;
}

$node->safe_psql('postgres', 'CREATE TABLE w (b text)');
remembered('CHECKPOINT; INSERT INTO w VALUES (1); CHECKPOINT; INSERT INTO w VALUES (1); CHECKPOINT') for 1 .. 14;
is($node->safe_psql('postgres', "SELECT assist.refresh() >= 0; $find"), "t\n0", 'checkpoints by command: silent');
is($node->safe_psql('postgres', q{SELECT state FROM assist.rules WHERE rule = 'max_wal_size'}), 'evaluated', 'though it was looked at');

remembered(q{TRUNCATE w; INSERT INTO w SELECT repeat('x', 1000) FROM generate_series(1, 26000)}) for 1 .. 14;
$node->safe_psql('postgres', 'SELECT assist.refresh()');
is($node->safe_psql('postgres', $find), '1', 'checkpoints forced by WAL: found');
like($node->safe_psql('postgres', q{SELECT title FROM assist.recommendations WHERE rule = 'max_wal_size'}), qr/^Raise max_wal_size from 48MB to \d+[MG]B$/, 'title');
my $script = $node->safe_psql('postgres', q{SELECT assist.migration_script((SELECT id FROM assist.recommendations WHERE rule = 'max_wal_size'))});
like($script, qr/ALTER SYSTEM SET max_wal_size/, 'script');
my ($status, $out, $err) = try_sql($node, 'postgres', $script);
is($status, 0, 'it runs as printed') or diag $err;
ok($node->poll_query_until('postgres', q{SELECT pg_size_bytes(current_setting('max_wal_size')) > 100 * 1024 * 1024}), 'and is in force');
$node->safe_psql('postgres', 'SELECT assist.refresh()');
is($node->safe_psql('postgres', $find), '0', 'and the finding is gone');
$node->stop;
done_testing();
