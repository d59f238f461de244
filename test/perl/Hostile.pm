# What the tests of hostile input share: readers of everything, the state of the server, and a client of the
# protocol that sends what libpq would not.
package Hostile;

use strict;
use warnings FATAL => 'all';
use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

our @EXPORT = qw(readable refresh healthy count_of);

# All views of the extension and the functions that only read can be read whole, down to each text's characters.
sub readable
{
	my ($node, $database, @params) = @_;
	my @views = split /\n/, $node->safe_psql($database, q{
		SELECT 'assist.' || relname FROM pg_class WHERE relnamespace = 'assist'::regnamespace AND relkind = 'v' ORDER BY 1});
	cmp_ok(scalar @views, '>', 9, "$database: there are views");
	my @bad;
	for my $source (@views, 'assist._statements()', 'assist._predicates()', 'assist.recommendations()')
	{
		# upper() and jsonb go through each character; the text goes to the client.
		my ($status, $out, $err) = try_sql($node, $database,
			"SELECT length(upper(v::text)), length(to_jsonb(v)::text) FROM $source v; \\o /dev/null\nSELECT * FROM $source",
			extra_params => [@params]);
		push @bad, "$source: $err" if $status != 0;
	}
	is(join("\n", @bad), '', "$database @params: everything is readable");
}

# Analyses the database: the number of findings, or -1 after an error.
sub refresh
{
	my ($node, $database) = @_;
	my ($status, $out, $err) = try_sql($node, $database, "SET statement_timeout = '60s'; SELECT assist.refresh()");
	diag $err if $status != 0;
	return $status == 0 ? $out : -1;
}

# No part is failing, no process crashed, and no error was logged but those expected.
sub healthy
{
	my ($node, $expected) = @_;
	is($node->safe_psql('postgres', q{SELECT string_agg(component || ': ' || state || coalesce(' ' || last_error, ''), ', ')
		FROM assist.status WHERE state ~ 'fail|stopped' OR last_error IS NOT NULL}), '', 'no component is failing');
	my $log = slurp_file($node->logfile);
	unlike($log, qr/PANIC|TRAP|was terminated by signal|server process .* exited with exit code/, 'nothing crashed');
	my @errors = grep { !/$expected/ } $log =~ /^.*(?:ERROR|FATAL|WARNING):.*$/mg;
	is(join("\n", @errors), '', 'no error but the expected ones');
}

# How often each of a list occurs.
sub count_of
{
	my %count;
	$count{$_}++ for @_;
	return %count;
}

package Hostile::Wire;

use IO::Socket::UNIX;

sub new
{
	my ($class, $node, $database, $user) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "no connection: $!";
	my $self = bless { socket => $socket, out => '' }, $class;
	my $start = pack('N', 196608) . "user\0$user\0database\0$database\0\0";
	$socket->syswrite(pack('N', 4 + length $start) . $start);
	$self->answer;
	return $self;
}

sub message
{
	my ($self, $type, $body) = @_;
	$self->{out} .= $type . pack('N', 4 + length $body) . $body;
}

sub parse { my ($self, $name, $sql) = @_; $self->message('P', "$name\0$sql\0" . pack('n', 0)) }

sub bind    ## no critic (ProhibitBuiltinHomonyms)
{
	my ($self, $portal, $statement, @values) = @_;
	$self->message('B', "$portal\0$statement\0" . pack('nn', 0, scalar @values)
		  . join('', map { pack('N/a*', $_) } @values) . pack('n', 0));
}

sub execute { my ($self, $portal, $rows) = @_; $self->message('E', "$portal\0" . pack('N', $rows)) }

# Sends what was collected and returns all that comes until the server is ready.
sub sync
{
	my ($self) = @_;
	$self->message('S', '');
	my $out = $self->{out};
	$self->{out} = '';
	my $at = 0;
	while ($at < length $out)
	{
		$at += $self->{socket}->syswrite($out, 65536, $at) // die "connection lost: $!";
	}
	return $self->answer;
}

sub answer
{
	my ($self) = @_;
	my $all = '';
	for (;;)
	{
		my $head = $self->take(5);
		my ($type, $length) = unpack('aN', $head);
		my $body = $self->take($length - 4);
		$all .= "$type$body\n";
		return $all if $type eq 'Z';
		die "refused: $body" if $type eq 'E' && $body =~ /SFATAL/;
	}
}

sub take
{
	my ($self, $bytes) = @_;
	my $got = '';
	while (length $got < $bytes)
	{
		my $n = $self->{socket}->sysread($got, $bytes - length $got, length $got);
		die 'connection lost' unless $n;
	}
	return $got;
}

sub close    ## no critic (ProhibitBuiltinHomonyms)
{
	my ($self) = @_;
	$self->message('X', '');
	$self->{socket}->syswrite($self->{out});
	$self->{socket}->close;
}

1;
