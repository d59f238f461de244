# ALTER EXTENSION UPDATE from every released version gives what a new installation gives, and keeps the data; a
# database that is not updated works with the new library.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('update', conf => "assist.interval = 0\n");

# All that belongs to the extension, as pg_dump writes it for pg_upgrade: object identifiers left out, in any order.
sub contents
{
	my ($database) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '--binary-upgrade', '--schema-only', '-d', $node->connstr($database) ]);
	my @statements = grep { !/binary_upgrade|^\s*$|^SET |^SELECT pg_catalog.set_config|^\\(un)?restrict/ } map { s/^--.*\n//mgr } split /;\n/, $out;
	s/^\s+|\s+$//g for @statements;
	return join "\n;\n", sort grep { /assist/ && !/setval|relfrozenxid/ } @statements;
}

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION pg_assist');
my $fresh = contents('fresh');
for my $part ('CREATE VIEW assist.statements ', 'COMMENT ON VIEW assist.statements ', 'GRANT SELECT ON TABLE assist.statements TO pg_read_all_stats', 'CREATE FUNCTION assist.reset(')
{
	ok(index($fresh, $part) >= 0, "compared: $part");
}
my $current = $node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'pg_assist'});
my @released = split /\n/, $node->safe_psql('postgres', qq{SELECT version FROM pg_available_extension_versions WHERE name = 'pg_assist' AND version <> '$current' ORDER BY 1});
cmp_ok(scalar @released, '>', 0, 'there are released versions');
for my $version (@released)
{
	(my $database = "from_$version") =~ s/\W/_/g;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, qq{
		CREATE EXTENSION pg_assist VERSION '$version';
		CREATE TABLE t (a int); CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a);
		SELECT assist.set_rule('unused_index', enabled => false)});
	is($node->safe_psql($database, 'SELECT assist.refresh() > 0; SELECT count(*) > 0 FROM assist.statements; SELECT count(*) > 0 FROM assist.status'),
		"t\nt\nt", "$version: works with this library");
	my $kept = $node->safe_psql($database, 'SELECT rule, enabled, settings FROM assist.rule_setting; SELECT id, title, status FROM assist.all_recommendations');
	$node->safe_psql($database, 'ALTER EXTENSION pg_assist UPDATE');
	is($node->safe_psql($database, q{SELECT extversion FROM pg_extension WHERE extname = 'pg_assist'}), $current, "$version: updated to $current");
	is($node->safe_psql($database, 'SELECT rule, enabled, settings FROM assist.rule_setting; SELECT id, title, status FROM assist.all_recommendations'),
		$kept, "$version: data are kept");
	$node->safe_psql($database, 'DROP TABLE t');
	my %left = map { $_ => 1 } split /\n;\n/, $fresh;
	my @differ = grep { !delete $left{$_} } split /\n;\n/, contents($database);
	is(join("\n", @differ, keys %left), '', "$version: the same as a new installation");
	is($node->safe_psql($database, 'SELECT assist.refresh() >= 0'), 't', "$version: works after the update");
}
$node->stop;
done_testing();
