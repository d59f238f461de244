# A directory of the state file that one cannot write to: shutdown and start are as ever, the log says what is not
# kept, and what is not known afterwards is recorded as a gap.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;
use Fault;

if ($> == 0) { plan skip_all => 'root may write everywhere' }

my $node = new_node('read_only', conf => "assist.interval = 0\ndynamic_shared_memory_type = mmap\n");
my $directory = $node->data_dir . '/pg_stat';
$node->safe_psql('postgres', 'CREATE TABLE t (a int)');
$node->safe_psql('postgres', join ';', map { "SELECT a FROM t WHERE a = $_" } 1 .. 10);

sub known { return calls_of($node, 'SELECT a FROM t WHERE %') }
sub gaps { return observer($node, q{SELECT count(*) FROM assist.status WHERE component = 'gap'}) }
sub more { $node->safe_psql('postgres', 'SELECT a FROM t WHERE a = 0'); return }

$node->restart;
is(known(), '10', 'what was observed is kept');

# The server's own statistics are kept there, too: it says so itself and goes on.
my $since = -s $node->logfile;
more();
chmod 0500, $directory;
$node->stop;
my $log = slurp_file($node->logfile, $since);
like($log, qr/LOG:  could not write file "pg_stat\/pg_assist\.stat\.tmp": Permission denied/, 'stop: the log says that nothing was kept');
like($log, qr/database system is shut down/, 'stop: as ever');
unlike($log, qr/PANIC|TRAP/, 'stop: no crash');

# Still read-only at the start, and then it crashes.
$since = -s $node->logfile;
$node->start;
is(known(), '10', 'start: what was saved before is there');
is(gaps(), '1', 'start: the gap is recorded');
like(slurp_file($node->logfile, $since), qr/LOG:  could not write file "pg_stat\/pg_assist\.stat\.tmp": Permission denied/, 'start: the log says so');
more();
is(known(), '11', 'start: and it counts');
$node->stop('immediate');
chmod 0700, $directory;
$node->start;
is(known(), '10', 'after a crash: what was saved last');
is(gaps(), '1', 'after a crash: one gap since then');

# Writable at the shutdown, read-only at the start: the file stays as if that start had not been.
more();
$node->stop;
chmod 0500, $directory;
$node->start;
is(known(), '11', 'read-only from a start on: what was saved is there');
is(gaps(), '1', 'read-only from a start on: without another gap');
more();
$node->stop('immediate');
$node->start;
is(known(), '11', 'crash of a read-only one: what was saved last');
is(gaps(), '2', 'crash of a read-only one: the gap is recorded');
more();
$node->stop;
chmod 0700, $directory;
$node->start;
is(known(), '11', 'shutdown of a read-only one: what was saved last');
is(gaps(), '2', 'shutdown of a read-only one: one gap since then');
$node->restart;
is(known(), '11', 'writable again: all is kept');
is(gaps(), '2', 'writable again: without another gap');
sound_after($node, what => 'read-only');
stop_clean($node);
done_testing();
