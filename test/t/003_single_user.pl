# Single-user mode, and the mode pg_upgrade starts servers in.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run;
use Assist;

my $node = new_node('single');
$node->safe_psql('postgres', 'CREATE TABLE t (a int)');
$node->stop;

my $sql = join "\n", 'SELECT a FROM t WHERE a = 1;', 'SELECT a FROM t WHERE a = 2;', 'SELECT 1/0;',
	"SELECT 'calls=' || sum(calls) AS x FROM assist.statements WHERE query LIKE 'SELECT a FROM t WHERE%';",
	"SELECT 'errors=' || sum(errors) AS x FROM assist.statements WHERE query LIKE 'SELECT \$1/%';", '';
my ($out, $err) = ('', '');
my $bindir = $node->config_data('--bindir');
my $ok = IPC::Run::run([ "$bindir/postgres", '--single', '-F', '-D', $node->data_dir, 'postgres' ],
	'<', \$sql, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
ok($ok, 'single-user mode ends well') or diag $err;
like($out, qr/calls=2/, 'it counts');
like($out, qr/errors=1/, 'and counts errors');

$node->start;
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server starts normally afterwards');
$node->stop;

# pg_upgrade: the library is loaded and does nothing.
command_ok([ "$bindir/pg_ctl", '-D', $node->data_dir, '-l', $node->logfile, '-w', '-o', '-b', 'start' ],
	'a server in binary upgrade mode starts');
is(worker_pid($node, ''), '', 'no worker under pg_upgrade');
command_ok([ "$bindir/psql", '-XAtq', '-h', $node->host, '-p', $node->port, '-c', 'SELECT count(*) FROM t', 'postgres' ],
	'statements run there');
command_ok([ "$bindir/pg_ctl", '-D', $node->data_dir, '-m', 'fast', '-w', 'stop' ], 'it stops');
done_testing();
