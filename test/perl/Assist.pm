# What the TAP tests share.
package Assist;

use strict;
use warnings FATAL => 'all';
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(new_node worker_pid wait_for_worker calls_of try_sql wait_until);

# new_node(NAME, conf => TEXT, preload => LIST, init => [ARGS], extension => 0|1, start => 0|1): a server that
# preloads pg_assist and, unless told otherwise, has the extension in database postgres.
sub new_node
{
	my ($name, %how) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(@{ $how{init} // [] });
	my $preload = $how{preload} // 'pg_assist';
	$node->append_conf('postgresql.conf', <<"CONF");
shared_preload_libraries = '$preload'
max_worker_processes = 16
autovacuum = off
jit = off
log_min_messages = info
CONF
	$node->append_conf('postgresql.conf', $how{conf}) if defined $how{conf};
	return $node if defined $how{start} && !$how{start};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_assist')
	  unless defined $how{extension} && !$how{extension};
	return $node;
}

# The process id of a worker ("collector", "launcher", "analyst"), or "" when it does not run. Read from
# /proc: a worker without a database is not in pg_stat_activity.
sub worker_pid
{
	my ($node, $which) = @_;
	my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	for my $dir (glob '/proc/[0-9]*')
	{
		open(my $stat, '<', "$dir/stat") or next;
		my $line = <$stat> // next;
		next unless $line =~ /^(\d+) \(.*\) (\S) (\d+) / && $3 == $postmaster && $2 ne 'Z';
		my $pid = $1;
		open(my $args, '<', "$dir/cmdline") or next;
		return $pid if (<$args> // '') =~ /pg_assist $which/;
	}
	return '';
}

# Waits until a worker runs whose process id is not OLD; returns its process id.
sub wait_for_worker
{
	my ($node, $which, $old) = @_;
	my $pid = '';
	wait_until(30, sub { $pid = worker_pid($node, $which); return $pid ne '' && $pid ne ($old // '') })
	  or die "no worker $which";
	return $pid;
}

# Calls of the statements whose text is LIKE the pattern, in all databases and by all users.
sub calls_of
{
	my ($node, $pattern) = @_;
	return $node->safe_psql('postgres',
		"SELECT coalesce(sum(calls), 0) FROM assist.statements WHERE query LIKE '$pattern' AND query NOT LIKE '%assist.%'");
}

# Runs SQL that may fail: (exit status, output, error with SQLSTATE).
sub try_sql
{
	my ($node, $database, $sql, %how) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql($database, "\\set VERBOSITY verbose\n$sql",
		stdout => \$out, stderr => \$err, timeout => $how{timeout} // 60,
		extra_params => $how{extra_params} // [], on_error_die => 0, on_error_stop => 1);
	return ($status, $out, $err);
}

# Polls CODE until it is true, for SECONDS at most.
sub wait_until
{
	my ($seconds, $code) = @_;
	my $end = time + $seconds;
	while (time < $end)
	{
		return 1 if $code->();
		sleep 0.1;
	}
	return 0;
}

1;
