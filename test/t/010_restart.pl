# What was observed is kept over a restart; a damaged file is set aside with a WARNING and never an error; after a
# crash the gap is recorded and nothing counts twice.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('restart', conf => "assist.interval = 0\nassist.sample_rate = 1\nrestart_after_crash = on\n");
my $file = $node->data_dir . '/pg_stat/pg_assist.stat';
$node->safe_psql('postgres', q{
	CREATE TABLE t (a int PRIMARY KEY, b text);
	INSERT INTO t SELECT g, g FROM generate_series(1, 1000) g;
	ANALYZE t});
$node->safe_psql('postgres', join ';', 'SET enable_seqscan = off', map { "SELECT b FROM t WHERE a = $_" } 1 .. 20);
$node->psql('postgres', 'SELECT 1 / (a - a) FROM t', stdout => \my $o, stderr => \my $e);

# All that must be the same after a restart.
sub observed
{
	return $node->safe_psql('postgres', q{
		SELECT query, command, relation_names, calls, errors, rows, total_exec_time, p50_exec_time, p95_exec_time, CASE WHEN calls > 0 THEN plan_count END, first_seen, last_seen
		  FROM assist.statements WHERE query LIKE '%FROM t%' OR query LIKE 'INSERT%' ORDER BY query COLLATE "C";
		SELECT planid, p.calls, p.total_exec_time, estimated_cost, rows_misestimate, plan -- failed executions alone keep no plan
		  FROM assist.plans p JOIN assist.statements USING (userid, dbid, queryid, toplevel) WHERE query LIKE '%FROM t%' AND p.calls > 0 ORDER BY 1, 2;
		SELECT relation_name, columns, operators, usage, p.executions, selectivity
		  FROM assist.predicates p WHERE relation_name = 'public.t' ORDER BY 1, 2, 3, 4, 5;
		SELECT sqlstate, e.errors FROM assist.errors e JOIN assist.statements USING (userid, dbid, queryid, toplevel) WHERE query LIKE '%FROM t%';
		SELECT index_name, executor_scans FROM assist.index_use WHERE index_name = 'public.t_pkey'});
}

sub gaps { return $node->safe_psql('postgres', "SELECT count(*) FROM assist.status WHERE component LIKE '%gap%' OR state LIKE '%gap%'") }

my $before = observed();
like($before, qr/SELECT b FROM t WHERE a = \$1\|SELECT\|.*\|20\|0\|20\|/, 'there is something to keep');
for my $mode ('fast', 'smart')
{
	$node->stop($mode);
	ok(-s $file, "$mode shutdown writes the file");
	is((stat $file)[2] & 077, 0, 'readable by the owner alone');
	$node->start;
	is(observed(), $before, "all is there after a $mode shutdown");
}
is(gaps(), '0', 'no gap');
unlike(slurp_file($node->logfile), qr/WARNING/, 'no warning');

# Counting goes on from there.
$node->safe_psql('postgres', 'SELECT b FROM t WHERE a = 7');
is(calls_of($node, 'SELECT b FROM t WHERE%'), '21', 'counting goes on');

# Crash: what came after the last start may be lost, and is said so; nothing is counted twice.
$node->stop('immediate');
$node->start;
is(calls_of($node, 'SELECT b FROM t WHERE%'), '20', 'after a crash: the state of the last start');
is(gaps(), '1', 'the gap is recorded');
$node->restart;
is(calls_of($node, 'SELECT b FROM t WHERE%'), '20', 'and kept over the next restart');
is(gaps(), '1', 'with its gap');

# Damaged files.
my %damage = (
	'empty' => sub { return '' },
	'cut in the middle' => sub { return substr $_[0], 0, length($_[0]) / 2 },
	'without its last byte' => sub { return substr $_[0], 0, -1 },
	'with a flipped bit' => sub { my $x = $_[0]; substr($x, length($x) / 2, 1) ^= "\x10"; return $x },
	'with a byte too many' => sub { return "$_[0]x" },
	'of another program' => sub { return "#!/bin/sh\n" x 1000 },
	'of zeros' => sub { return "\0" x length $_[0] },);
for my $how (sort keys %damage)
{
	$node->safe_psql('postgres', 'SELECT b FROM t WHERE a = 7');
	$node->stop;
	my $content = slurp_file($file);
	open(my $out, '>:raw', $file) or die;
	print $out $damage{$how}->($content);
	close $out;
	unlink "$file.damaged";
	my $since = -s $node->logfile;
	$node->start;
	my $log = slurp_file($node->logfile, $since);
	like($log, qr/WARNING:  .*pg_assist\.stat.* is set aside/, "a file $how: a WARNING");
	ok(-e "$file.damaged", "a file $how: set aside");
	unlike($log, qr/ERROR|FATAL|PANIC/, "a file $how: never an error");
	is(calls_of($node, 'SELECT b FROM t WHERE%'), '0', "a file $how: counting starts anew");
	$node->safe_psql('postgres', 'SELECT b FROM t WHERE a = 7');
	is(calls_of($node, 'SELECT b FROM t WHERE%'), '1', "a file $how: and works");
}

# A directory one cannot write to costs the statistics, not the shutdown.
SKIP:
{
	skip 'root may write everywhere', 1 if $> == 0;
	chmod 0500, $node->data_dir . '/pg_stat';
	$node->stop;
	chmod 0700, $node->data_dir . '/pg_stat';
	$node->start;
	is($node->safe_psql('postgres', 'SELECT 1'), '1', 'an unwritable directory does no harm');
}

# assist.save = off keeps nothing.
$node->append_conf('postgresql.conf', 'assist.save = off');
$node->restart;
$node->safe_psql('postgres', 'SELECT b FROM t WHERE a = 8');
$node->restart;
is(calls_of($node, 'SELECT b FROM t WHERE%'), '0', 'assist.save = off: nothing is kept');

# Another size of the store: what fits is kept.
$node->append_conf('postgresql.conf', "assist.save = on\nassist.max_statements = 100\nassist.text_memory = '1MB'");
$node->restart;
$node->safe_psql('postgres', 'SELECT b FROM t WHERE a = 8');
$node->append_conf('postgresql.conf', "assist.max_statements = 2000\nassist.text_memory = '8MB'");
$node->restart;
is(calls_of($node, 'SELECT b FROM t WHERE%'), '1', 'a larger store reads the file of a smaller one');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|was terminated by signal/, 'nothing crashed');
done_testing();
