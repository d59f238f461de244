# Databases of other encodings in one server: what was observed in one is readable in each other, converted where
# it can be, with ? where it cannot, and never an error.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Encode;
use Assist;
use Hostile;

my $node = new_node('encodings', init => [ extra => [ '--encoding=UTF8', '--no-locale' ] ], conf => <<'CONF');
assist.interval = 0
assist.sample_rate = 1
assist.sample_parameters = on
assist.max_overhead = 100
assist.text_memory = 2MB
CONF

# Name in the database's own encoding, and as UTF8 shows it. U+4EE9 twice in UTF8 is valid EUC_JP, but no character.
my $cafe = "caf\x{e9}";
my $table = "\x{8868}\x{3042}";    # the second byte of the first is a backslash in SJIS
my %name = (
	postgres => encode('UTF-8', "$cafe\x{20ac}\x{4ee9}\x{4ee9}"),
	latin => encode('ISO-8859-1', $cafe),
	japanese => encode('EUC-JP', $table),
	bytes => "\xff\xfe\xe9\x80x");
$node->safe_psql('postgres', 'CREATE ROLE watcher LOGIN IN ROLE pg_monitor');
my %encoding = (latin => 'LATIN1', japanese => 'EUC_JP', bytes => 'SQL_ASCII');
$node->safe_psql('postgres', "CREATE DATABASE $_ ENCODING '$encoding{$_}' LOCALE 'C' TEMPLATE template0") for sort keys %encoding;
my @databases = sort keys %name;
for my $database (@databases)
{
	my $name = $name{$database};
	$node->safe_psql($database, qq{
		SET client_min_messages = error;
		CREATE EXTENSION IF NOT EXISTS pg_assist;
		CREATE TABLE "$name" ("$name" int, k int, t text);
		INSERT INTO "$name" SELECT g, g % 10, '$name' FROM generate_series(1, 3000) g;
		CREATE INDEX "k1_$name" ON "$name" (k); CREATE INDEX "k2_$name" ON "$name" (k);
		ANALYZE "$name"});
	$node->safe_psql($database, qq{SELECT /* of $database */ k AS "$name" FROM "$name" WHERE "$name" = $_ AND t = '$name'}) for 1 .. 3;
	# Errors of users in their own words, and bound parameters.
	try_sql($node, $database, qq{DO \$\$ BEGIN RAISE '$name'; END \$\$});
	$node->safe_psql($database, qq{PREPARE p(text) AS SELECT k AS bound FROM "$name" WHERE t = \$1 AND k < 3; EXECUTE p('$name')});
}

# A client in SJIS, whose second bytes may be a backslash.
my $sjis = encode('cp932', $table);
$node->safe_psql('japanese', qq{SET client_encoding = 'SJIS'; SELECT k AS sjis FROM "$sjis" WHERE t = '$sjis' AND "$sjis" = 5});

# What a database shows of another one's statement, in UTF8. From EUC_JP to LATIN1 the server has no conversion.
sub shown
{
	my ($in, $of, $sql, @params) = @_;
	my ($status, $out, $err) = try_sql($node, $in, "SET client_encoding = 'UTF8';\n$sql");
	return $status == 0 ? $out : $err;
}
my $utf_of_table = encode('UTF-8', $table);
my $utf_of_cafe = encode('UTF-8', $cafe);
my $latin_marks = encode('UTF-8', "$cafe???");
my $japanese_marks = encode('UTF-8', "caf????");
my %expected = (
	postgres => { latin => $utf_of_cafe, japanese => $utf_of_table, bytes => '????x', postgres => $name{postgres} },
	latin => { postgres => $latin_marks, japanese => '????', bytes => '????x', latin => $utf_of_cafe });
for my $in (sort keys %expected)
{
	for my $of (sort keys %{ $expected{$in} })
	{
		my $name = $expected{$in}{$of};
		my $of_database = qq{dbid = (SELECT oid FROM pg_database WHERE datname = '$of')};
		is(shown($in, $of, qq{SELECT query FROM assist.statements WHERE query LIKE 'SELECT /* of $of */%' AND $of_database}),
			qq{SELECT /* of $of */ k AS "$name" FROM "$name" WHERE "$name" = \$1 AND t = \$2}, "in $in, a statement of $of");
		is(shown($in, $of, qq{SELECT DISTINCT relation_names FROM assist.statements WHERE query LIKE 'SELECT /* of $of */%' AND $of_database}),
			qq[{"public.\\"$name\\""}], "in $in, the relations of $of");
		is(shown($in, $of, qq{SELECT DISTINCT columns[1] FROM assist.predicates WHERE relation_name ~ '^public' AND columns[2] = 't' AND $of_database}),
			$name, "in $in, the columns of $of");
		is(shown($in, $of, qq{SELECT DISTINCT jsonb_path_query(plan, '\$.**."Relation Name"') #>> '{}' FROM assist.plans
			WHERE queryid IN (SELECT queryid FROM assist.statements WHERE query LIKE 'SELECT /* of $of */%') AND $of_database}),
			$name, "in $in, the plan of $of");
		is(shown($in, $of, qq{SELECT DISTINCT parameters[1] FROM assist.samples
			WHERE queryid IN (SELECT queryid FROM assist.statements WHERE query LIKE '% AS bound %') AND $of_database}),
			qq{'$name'::text}, "in $in, a parameter of $of");
	}
}
is(shown('japanese', 'japanese', q{SELECT query FROM assist.statements WHERE query LIKE 'SELECT k AS sjis%'}),
	qq{SELECT k AS sjis FROM "$utf_of_table" WHERE t = \$1 AND "$utf_of_table" = \$2}, 'a statement of a client in SJIS');

# Everything is readable everywhere, by a dashboard too, and in whatever encoding the client speaks that the
# database can be converted to.
for my $database (@databases)
{
	readable($node, $database);
	readable($node, $database, '-U', 'watcher');
	next if $database eq 'bytes';
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	readable($node, $database);
}

# Each database is analysed and its script does what it says, in its own bytes.
for my $database (@databases)
{
	my $name = $name{$database};
	cmp_ok(refresh($node, $database), '>', 0, "$database is analysed");
	my $id = $node->safe_psql($database, q{SELECT id FROM assist.recommendation WHERE rule = 'duplicate_index' AND status = 'open'});
	like($id, qr/^\d+$/, "$database: a duplicate index is found");
	my $script = $node->safe_psql($database, "SELECT assist.migration_script($id)");
	my ($status, $out, $err) = try_sql($node, $database, $script);
	is($status, 0, "$database: the script runs") or diag $err;
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_class WHERE relkind = 'i' AND relname ~ '^k[12]_'}), '1',
		"$database: one of the two is gone");
}

# The analyst visits them all.
$node->safe_psql('postgres', 'ALTER SYSTEM SET assist.interval = 1; SELECT pg_reload_conf()');
for my $database (@databases)
{
	my $before = $node->safe_psql($database, 'SELECT clock_timestamp()');
	ok($node->poll_query_until($database, "SELECT bool_or(evaluated_at > '$before') FROM assist.rule_state"), "the analyst visits $database");
}
readable($node, $_) for @databases;
healthy($node, qr/ERROR:  (?:\Q$name{postgres}\E|\Q$name{latin}\E|\Q$name{japanese}\E|\Q$name{bytes}\E)$/);
$node->stop;

# What was saved is read back in its encodings.
$node->start;
readable($node, 'postgres');
$node->stop;
done_testing();
