# Every function and view, interrupted at any moment: statement_timeout of 1 ms and more, and cancel in a loop. The
# session goes on, nothing is held, nothing is left.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use Assist;

my $node = new_node('interrupted', conf => "assist.interval = 0\nassist.sample_rate = 1\nmax_worker_processes = 4\n");
$node->safe_psql('postgres', q{
	CREATE TABLE t (a int, b text, c int);
	INSERT INTO t SELECT g, repeat('x', 100), g FROM generate_series(1, 20000) g;
	CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a); CREATE INDEX t_ac ON t (a, c);
	ANALYZE t;
	SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0}')});
$node->safe_psql('postgres', join ';', map { "SELECT b FROM t WHERE c = $_" } 1 .. 30);
$node->safe_psql('postgres', 'SELECT assist.refresh()');

my $id = '(SELECT min(id) FROM assist.all_recommendations WHERE sql IS NOT NULL)';
my @calls = (
	'SELECT assist.refresh()', "SELECT count(*) FROM assist.what_if(ARRAY['SELECT * FROM t WHERE c = 1'], ARRAY['CREATE INDEX ON t (c)'])",
	"SELECT count(*) FROM assist.generate_migration($id)", "SELECT length(assist.migration_script($id))",
	'SELECT count(*) FROM assist.recommendations()', "SELECT assist.approve($id)", "SELECT assist.reopen($id)",
	"SELECT assist.postpone($id, now() + interval '1 day')", "SELECT assist.dismiss($id)", "SELECT assist.mark_implemented($id)",
	q{SELECT assist.set_rule('work_mem', enabled => true)}, 'SELECT assist.reset()',
	'SELECT count(*) FROM assist.export()', q{SELECT assist.mask_text('a@b.example')}, q{SELECT assist.mask_query('SELECT 1')},
	map { "SELECT count(*) FROM (SELECT * FROM assist.$_ OFFSET 0) s" }
	  split /\n/, $node->safe_psql('postgres', q{SELECT relname FROM pg_class WHERE relnamespace = 'assist'::regnamespace AND relkind = 'v' ORDER BY 1}));
my $functions = $node->safe_psql('postgres', q{SELECT count(DISTINCT proname) FROM pg_proc WHERE pronamespace = 'assist'::regnamespace AND proname NOT LIKE '\_%'});
is(scalar(grep { /assist\.\w+\(/ } @calls), $functions, 'every function is among them');

sub sound
{
	my ($what) = @_;
	is($node->safe_psql('postgres', 'SELECT assist.refresh() >= 0; SELECT b FROM t WHERE c = 7 LIMIT 0; SELECT count(*) > 0 FROM assist.statements'),
		"t\nt", "$what: all works afterwards");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND locktype IN ('relation', 'object', 'advisory')}),
		'0', "$what: no lock is left");
	return;
}

# Timeouts that fall anywhere in the call. All in one session, each call in a transaction of its own.
my $script = "\\set ON_ERROR_STOP 0\n";
for my $call (@calls)
{
	$script .= "SET statement_timeout = $_;\n$call;\n" for 1, 1, 1, 2, 3, 5, 8, 13;
}
$script .= "RESET statement_timeout;\nSELECT 'used ' || sum(used_bytes) FROM pg_backend_memory_contexts WHERE parent = 'TopMemoryContext' AND name NOT LIKE 'Cache%';\n";
my ($out, $err) = ('', '');
$node->psql('postgres', $script . $script . $script, stdout => \$out, stderr => \$err, on_error_stop => 0, timeout => 120);
my $timeouts = () = $err =~ /canceling statement due to statement timeout/g;
my $other = join ' | ', grep { /ERROR/ && !/statement timeout|recommendation|lock timeout/ } split /\n/, $err;
cmp_ok($timeouts, '>', 20, "statement_timeout: $timeouts calls were cut short");
is($other, '', 'and nothing else went wrong');
my @used = $out =~ /^used (\d+)$/mg;
is(scalar @used, 3, 'the session went on to the end');
cmp_ok($used[2], '<', $used[0] + 100_000, "nothing is left in memory (@used bytes)");
sound('statement_timeout');

# Cancel after cancel while everything is called over and over.
my $loop = join ";\n", ("SET application_name = 'target'"), (@calls) x 40;
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/loop.sql", "\\set ON_ERROR_STOP 0\n$loop;\n");
my $psql = IPC::Run::start([ 'psql', '-X', '-q', '-o', '/dev/null', '-d', $node->connstr('postgres'), '-f', "$dir/loop.sql" ],
	'>', "$dir/out", '2>', "$dir/errors");
my ($cancels, $idle) = (0, 0);
while ($idle < 20)
{
	my $sent = $node->safe_psql('postgres', q{SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE application_name = 'target'});
	$cancels += $sent;
	$idle = $sent ? 0 : $idle + 1;
	sleep 0.01;
}
$psql->finish;
my $errors = slurp_file("$dir/errors");
cmp_ok($cancels, '>', 20, "$cancels cancels");
like($errors, qr/canceling statement due to user request/, 'some were in time');
unlike($errors, qr/server closed|XX000|internal error/, 'the session lived');
sound('cancel');

# No worker to be had for analysts: said in assist.status, and over when there is one again.
$node->safe_psql('postgres', q{ALTER SYSTEM SET assist.interval = 1; SELECT pg_reload_conf()});
ok($node->poll_query_until('postgres', q{SELECT bool_or(detail LIKE '%max_worker_processes%' OR state = 'running') FROM assist.status WHERE component = 'launcher'}),
	'the launcher says how it is');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|was terminated by signal/, 'nothing crashed');
$node->stop;
done_testing();
