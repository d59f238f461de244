# Hostile and extreme input: statements so deep or long that the server refuses them, names that hold every quote
# and line break. With the library a statement ends as it does without it, views stay readable, scripts do exactly
# what they say, and no literal is shown. Encodings are in 021_encodings.pl.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;
use Hostile;

my $node = new_node('hostile', init => [ extra => [ '--encoding=UTF8', '--no-locale' ] ], conf => <<'CONF');
assist.interval = 0
assist.sample_rate = 1
assist.sample_parameters = on
assist.text_memory = 2MB
assist.max_overhead = 100
escape_string_warning = off
log_min_error_statement = panic
max_locks_per_transaction = 256
autovacuum = off
CONF
my $dir = PostgreSQL::Test::Utils::tempdir;

# Runs statements, each in a line of its own, with and without the library: the same results and SQLSTATEs, and
# after each of them the connection lives. Returns the output.
sub same_outcome
{
	my ($name, @statements) = @_;
	my $file = "$dir/statements.sql";
	open(my $out, '>:raw', $file) or die $!;
	print $out "SET assist.track = :'track';\nSET join_collapse_limit = 1;\n";
	print $out "$_;\n\\echo :SQLSTATE\nSELECT 'alive';\n" for @statements;
	close $out;
	my %output;
	for my $track ('none', 'all')
	{
		my ($stdout, $stderr) = ('', '');
		$node->psql('postgres', undef, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0, timeout => 60,
			extra_params => [ '-v', "track=$track", '-v', 'VERBOSITY=sqlstate', '-f', $file ]);
		$output{$track} = "$stdout\n$stderr";
	}
	is($output{all}, $output{none}, "$name: the same as without the library");
	is(scalar(() = $output{all} =~ /^alive$/mg), scalar(@statements), "$name: the connection lives");
	return $output{all};
}

$node->safe_psql('postgres', q{
	CREATE TABLE one (a int, b text);
	INSERT INTO one VALUES (1, 'x')});

# Depth. Each of the server's limits is crossed by some and kept by others.
my @deep = map { 'SELECT a' . '+1' x $_ . ' AS sum FROM one' } 10, 1000, 5000, 50000;
push @deep, map { 'SELECT ' . '(' x $_ . 'a' . ')' x $_ . ' AS p FROM one' } 1000, 5000, 100000;
push @deep, map { 'SELECT a FROM one WHERE ' . 'NOT (' x $_ . 'a = 1' . ')' x $_ } 500, 20000;
push @deep, map { 'SELECT ' . 'CASE WHEN a = 1 THEN ' x $_ . 'a' . ' ELSE 0 END' x $_ . ' AS c FROM one' } 100, 1000, 30000;
push @deep, map { 'SELECT ' . '(SELECT ' x $_ . 'max(a) FROM one' . ')' x $_ . ' AS s' } 50, 300, 20000;
push @deep, map { 'SELECT * FROM ' . '(SELECT * FROM ' x $_ . 'one' . ' OFFSET 0) s' x $_ } 30, 200, 20000;
push @deep, map { 'SELECT count(*) FROM one WHERE ' . 'a IN (SELECT a FROM one WHERE ' x $_ . 'true' . ')' x $_ } 30;
push @deep, map { 'SELECT count(*) FROM (' . join(' UNION ALL ', ('SELECT a FROM one') x $_) . ') u' } 300;
push @deep, map { 'SELECT count(*) FROM (' . join(' UNION ', map { "SELECT a + $_ FROM one" } 1 .. $_) . ') u' } 200;
push @deep, 'SELECT 1 AS a' . ' UNION SELECT 1' x 30000;
push @deep, 'SELECT ' . 'abs(' x 3000 . 'a' . ')' x 3000 . ' AS f FROM one', 'SELECT ' . '- ' x 100001 . ' 1';
push @deep, 'SELECT a FROM one WHERE ' . join(' OR ', map { "a = $_ AND b <> 'x$_'" } 1 .. 3000);
my $outcome = same_outcome('depth', @deep);
like($outcome, qr/54001/, 'the server refused some');
cmp_ok(scalar(() = $outcome =~ /^00000$/mg), '>', 15, 'and ran most');

# Length: 10 MB in one literal, in many, in a comment; lists; parameters.
my $filling = 'fillingsecret' x 800_000;
$outcome = same_outcome('length',
	"SELECT length('$filling')",
	"SELECT /* $filling */ a AS commented FROM one -- $filling\n",
	'SELECT count(*) FROM (VALUES ' . join(',', map { "($_, 'smallsecret$_')" } 1 .. 150_000) . ') v',
	'SELECT a AS listed FROM one WHERE a IN (' . join(',', 1 .. 100_000) . ')',
	'SELECT a AS listed FROM one WHERE b IN (' . join(',', map { "'listsecret$_'" } 1 .. 100_000) . ", 'x')",
	'PREPARE many AS SELECT count(*) FROM one WHERE a IN (' . join(',', map { "\$$_\::int" } 1 .. 65535) . ", 3, 5, 6, 7) AND b = 'x'",
	'EXECUTE many(' . join(',', 1 .. 65535) . ')',
	'EXECUTE many(' . join(',', 1 .. 65535) . ')',
	"DO \$do\$ BEGIN PERFORM 'dosecret'; /* $filling */ END \$do\$",
	# Masked, this would be more than the server allocates in one piece.
	q{DO $do$ BEGIN EXECUTE '/*' || repeat('x', 180000000) || '*/ SET x.y = 1'; END $do$},
	"INSERT INTO one SELECT 2, '$filling'", 'DELETE FROM one WHERE a = 2',
	"SELECT a FROM one WHERE b = '$filling'");
unlike($outcome, qr/ERROR/, 'the server ran all of them');
$node->safe_psql('postgres', 'SELECT a FROM one WHERE a = 1'); # after it, the store still takes texts
is(calls_of($node, 'SELECT a FROM one WHERE a = $1'), '1', 'short texts are still kept');
ok($node->safe_psql('postgres', q{SELECT count(*) > 0 AND max(octet_length(query)) <= 16384 FROM assist.statements WHERE query_cut}) eq 't',
	'long ones are cut');

# Width: many columns, partitions, relations, CTEs.
$node->safe_psql('postgres', join ';',
	'SET client_min_messages = error',
	'CREATE TABLE wide (' . join(',', map { "c$_ int" } 1 .. 1600) . ')',
	'INSERT INTO wide SELECT FROM generate_series(1, 200)',
	'CREATE TABLE parts (k int, v int) PARTITION BY RANGE (k)',
	map { my $end = $_ + 1; "CREATE TABLE part_$_ PARTITION OF parts FOR VALUES FROM ($_) TO ($end)" } 1 .. 1000);
$node->safe_psql('postgres', 'INSERT INTO parts SELECT g, g FROM generate_series(1, 1000) g');
$outcome = same_outcome('width',
	'SELECT count(*) FROM wide WHERE ' . join(' AND ', map { "c$_ = $_" } 1 .. 1600),
	'SELECT count(*) FROM wide WHERE ' . join(' OR ', map { "c$_ = $_" } 1 .. 1600),
	'SELECT count(*) FROM wide GROUP BY ' . join(',', map { "c$_" } 1 .. 1600),
	'SELECT count(*) FROM parts WHERE k = 7 AND v = 7', 'SELECT count(*) FROM parts WHERE v = 7',
	'SELECT k FROM parts WHERE v > 990 ORDER BY k, v LIMIT 3', 'UPDATE parts SET v = v + 1 WHERE v < 3',
	'SELECT count(*) FROM ' . join(' JOIN ', 'one t0', map { my $p = $_ - 1; "one t$_ ON t$_.a = t$p.a" } 1 .. 49),
	'WITH ' . join(',', 'q0 AS MATERIALIZED (SELECT a FROM one)',
		map { my $p = $_ - 1; "q$_ AS MATERIALIZED (SELECT a + 1 AS a FROM q$p)" } 1 .. 200) . ' SELECT a FROM q200');
unlike($outcome, qr/ERROR/, 'the server ran all of them');
ok($node->safe_psql('postgres', 'SELECT count(*) FROM assist.statements WHERE query LIKE \'%FROM parts%\'') >= 3, 'the partitioned are seen');
cmp_ok(refresh($node, 'postgres'), '>=', 0, 'and analysed');

# Names. What the script of a recommendation does is compared with the catalogs before and after.
my @names = (qq{a"b\$\$;DROP TABLE x--}, qq{new\nline\n'quote'}, qq{tab\tbed\\n'x'}, qq{b\\'; :colon :'c' :"d" %s %I \$1 \$\$},
	"\x{c3}\x{a9}" x 31 . 'x', "\x{e3}\x{81}\x{82}" x 21, '/* open', 'close */ -- ', "'", '"', '\\', ' ', '.', 'SELECT', "cr\rlf");
sub quoted { my ($name) = @_; $name =~ s/"/""/g; return qq{"$name"} }

$node->safe_psql('postgres', 'SET client_min_messages = error; SELECT assist.reset(); CREATE TABLE x (a int); SELECT count(*) FROM assist.set_rule(\'missing_index\', settings => \'{"min_saving": 0, "min_share": 0}\')');
my (@workload, %wanted);
for my $i (0 .. $#names)
{
	my $name = $names[$i];
	my ($schema, $table, $column) = map { quoted($_) } $name, $names[ ($i + 1) % @names ], $names[ ($i + 2) % @names ];
	my ($twin, $unique) = map { quoted($names[ ($i + $_) % @names ]) } 3, 5;
	$node->safe_psql('postgres', qq{
		SET client_min_messages = error;
		CREATE SCHEMA $schema; CREATE TABLE $schema.$table ($column int, k int, u int);
		INSERT INTO $schema.$table SELECT g, g % 100, g FROM generate_series(1, 8000) g;
		CREATE UNIQUE INDEX $unique ON $schema.$table (u);
		CREATE INDEX $twin ON $schema.$table (k); CREATE INDEX second_$i ON $schema.$table (k);
		ANALYZE $schema.$table});
	push @workload, map { "SELECT $column, k FROM $schema.$table WHERE $column = $_" } 1 .. 40;
	push @workload, "INSERT INTO $schema.$table VALUES (1, 2, 3) ON CONFLICT (u) DO NOTHING";
	$wanted{"$schema.$table"} = $column;
}
$node->safe_psql('postgres', join(";\n", @workload));
readable($node, 'postgres');
cmp_ok(refresh($node, 'postgres'), '>', @names, 'hostile names are analysed');
is($node->safe_psql('postgres', q{
	SELECT count(DISTINCT relation) FROM assist.predicates p JOIN pg_class c ON c.oid = p.relation
	  JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
	 WHERE p.columns = ARRAY[a.attname] AND p.expressions = ARRAY[quote_ident(a.attname)] AND p.operators = '{=}'
	   AND nspname !~ '^(pg_|assist$|public$|information_)'}), scalar @names, 'each column is known by its name');
is($node->safe_psql('postgres', q{
	SELECT count(DISTINCT n) FROM assist.statements s, unnest(s.relations, s.relation_names) r(o, n)
	  JOIN pg_class c ON c.oid = r.o JOIN pg_namespace ns ON ns.oid = c.relnamespace
	 WHERE n = quote_ident(nspname) || '.' || quote_ident(relname) AND nspname <> ALL ('{public,assist,pg_catalog}')}),
	scalar @names, 'and each relation by its');

# All indexes of all tables, as the scripts may change them.
my $indexes = q{SELECT coalesce(string_agg(quote_ident(nspname) || '.' || quote_ident(t.relname) || '|' ||
	(SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = i.indexrelid), E'\x01' ORDER BY nspname, t.relname, i.indexrelid), '')
	FROM pg_index i JOIN pg_class t ON t.oid = indrelid JOIN pg_namespace n ON n.oid = t.relnamespace WHERE nspname !~ '^pg_|^assist$'};
my $tables = q{SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p')};
my $tables_before = $node->safe_psql('postgres', $tables);
my %before = count_of(split /\x01/, $node->safe_psql('postgres', $indexes));
for my $rule ('missing_index', 'duplicate_index')
{
	my @ids = split /\n/, $node->safe_psql('postgres', qq{
		SELECT r.id FROM assist.recommendation r JOIN pg_class c ON c.oid = r.relation JOIN pg_namespace n ON n.oid = c.relnamespace
		 WHERE r.rule = '$rule' AND r.status = 'open' AND nspname <> 'public'});
	cmp_ok(scalar @ids, '==', @names, "$rule: one recommendation for each table");
	my $failed = 0;
	for my $id (@ids)
	{
		my $file = "$dir/migration.sql";
		$node->safe_psql('postgres', "SELECT assist.migration_script($id)", extra_params => [ '-o', $file ]);
		my ($stdout, $stderr) = ('', '');
		$node->psql('postgres', undef, stdout => \$stdout, stderr => \$stderr, extra_params => [ '-f', $file ], on_error_stop => 0);
		next if $stderr !~ /ERROR|invalid command/;
		++$failed;
		diag "$stderr\n" . slurp_file($file);
	}
	is($failed, 0, "$rule: the scripts run as printed");
	my %after = count_of(split /\x01/, $node->safe_psql('postgres', $indexes));
	my %change = map { $_ => ($after{$_} // 0) - ($before{$_} // 0) } keys %after, keys %before;
	my %expected = map { ("$_|" . ($rule eq 'missing_index' ? $wanted{$_} =~ s/^"(.*)"$/$1/sr =~ s/""/"/gr : 'k')) => ($rule eq 'missing_index' ? 1 : -1) } keys %wanted;
	$change{$_} == 0 and delete $change{$_} for keys %change;
	is_deeply(\%change, \%expected, "$rule: and change what they say, nothing else");
	# And the way back.
	my $ids = join ',', @ids;
	$node->safe_psql('postgres', "SELECT sql FROM assist.generate_migration(ARRAY[$ids]::bigint[]) WHERE direction = 'down' ORDER BY step \\gexec");
	is_deeply({ count_of(split /\x01/, $node->safe_psql('postgres', $indexes)) }, \%before, "$rule: the way back leads back");
	$node->safe_psql('postgres', "SELECT sql FROM assist.generate_migration(ARRAY[$ids]::bigint[]) WHERE direction = 'up' ORDER BY step \\gexec");
	%after = count_of(split /\x01/, $node->safe_psql('postgres', $indexes));
	%before = %after;
}
# Settings of roles: what the rule would find, with the role's name.
$node->safe_psql('postgres', join ';', map { my $role = quoted($_); my $text = $_ =~ s/'/''/gr; qq{
	CREATE ROLE $role LOGIN SUPERUSER; ALTER ROLE $role SET work_mem = '5MB';
	INSERT INTO assist.recommendation (fingerprint, category, rule, severity, object, title, rationale, benefit_ms_per_day,
		storage_delta_bytes, confidence, risk, action_kind, action_scope, action_parameter, action_value, action_role)
	SELECT 'test:$text', 'configuration', 'work_mem', 'low', '$text', 'for $text', '$text', 0, 0, 1, '$text',
		'set parameter', 'role', 'work_mem', '64MB', '$text'} } @names);
$node->safe_psql('postgres', "SELECT assist.migration_script(id) FROM assist.recommendation WHERE fingerprint LIKE 'test:%'",
	extra_params => [ '-o', "$dir/roles.sql" ]);
my ($status, $printed, $error) = try_sql($node, 'postgres', '', extra_params => [ '-f', "$dir/roles.sql" ]);
is($error, '', 'scripts for roles run as printed');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_db_role_setting WHERE setdatabase = 0 AND setconfig = '{work_mem=64MB}'}),
	scalar @names, 'and set what they say for each');
is($node->safe_psql('postgres', $tables), $tables_before, 'no table is gone');

# Names of prepared statements, cursors, roles, applications; comments that seem to end; every kind of literal.
$node->safe_psql('postgres', 'SELECT assist.reset()');
my @literals = (q{'plainsecret'}, q{'it''s a secret'}, q{E'esc\\'aped secret\\\\'}, q{$$dollar'secret$$}, q{$a$nested $b$ secret$a$},
	q{U&'uni\\0073ecret'}, qq{'joined '\n'secret'}, q{'/* secret'}, q{'secret */'}, q{'-- secret'}, q{N'nsecret'}, q{B'1010101011'},
	q{X'DEADBEEF'}, q{8675309}, q{-8675309.5e3}, q{.8675309}, qq{'back\\slash secret\\'}, q{'new} . "\n" . q{line secret'}, q{'"secret"'},
	q{'{"key": "secret"}'::jsonb}, q{interval '8675309 days'}, q{'$1 secret'}, q{'secret'::varchar(99)}, q{$_s$secret$_s$});
my @texts;
for my $i (0 .. $#literals)
{
	my $literal = $literals[$i];
	push @texts, 'SELECT ' . join(', ', ('a') x ($i + 1)) . " /* l$i */ FROM one WHERE b = ($literal)::text OR quote_literal(b || ($literal)::text) = b",
	  "SELECT ($literal)::text AS m$i, random() < 2 /* ' */ FROM one GROUP BY b HAVING max(b) > ($literal)::text -- '\n",
	  "UPDATE one SET b = b WHERE a::text || $i = /* \$\$ /* nested ' */ */ ($literal)::text";
}
push @texts, qq{PREPARE ${\quoted($names[1])} AS SELECT a FROM one WHERE b = 'secret'; EXECUTE ${\quoted($names[1])}},
  qq{BEGIN; DECLARE ${\quoted($names[0])} CURSOR FOR SELECT a FROM one WHERE b <> 'secret' /* */; FETCH 1 FROM ${\quoted($names[0])}; CLOSE ${\quoted($names[0])}; COMMIT},
  q{SET application_name = E'app\x01\x1b[31m"\n\\\\ \x7f'; SELECT a FROM one WHERE a = 8675309},
  # Read by the server under one setting, and seen under the other.
  q{SET standard_conforming_strings = off\\; SELECT a AS x FROM one WHERE b = 'x\\' OR b = ' secret' OR a IS NULL},
  q{SELECT a FROM one WHERE b = 'off \\' secret'},
  q{SET standard_conforming_strings = on\\; SELECT a, a AS y FROM one WHERE b = 'y \\' OR b = secret'},
  q{CREATE ROLE pwd PASSWORD 'secret'; ALTER ROLE pwd PASSWORD E'\\'secret'; COMMENT ON TABLE one IS $x$secret$x$; DROP ROLE pwd},
  q{DO LANGUAGE plpgsql $f$ BEGIN PERFORM a FROM one WHERE b = 'secret'; EXECUTE 'SELECT a FROM one WHERE b = ''secret'''; END $f$};
my $file = "$dir/literals.sql";
open(my $out, '>:raw', $file) or die $!;
print $out "$_;\n" for @texts;
close $out;
my ($stdout, $stderr) = ('', '');
for my $round (1, 2)
{
	$node->psql('postgres', undef, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0,
		extra_params => [ '-U', $names[0], '-f', $file ]);
}
# Some of the literals are no dates and days: they fail where they are read.
unlike($stderr, qr/syntax error|FATAL/, 'the texts are SQL');
for my $column ('query FROM assist.statements', 'plan FROM assist.plans', 'last_message FROM assist.errors', 'plan FROM assist.samples')
{
	my $text = $node->safe_psql('postgres', "SELECT $column");
	cmp_ok(length $text, '>', 500, "$column: there is text") unless $column =~ /message/;
	my @shown = $text =~ /^.*(?:secret(?!_)|ecret\b|8675309|DEADBEEF|1010101011).*$/mgi;
	is(scalar @shown, 0, "$column: no literal") or diag join "\n", @shown[ 0 .. ($#shown < 9 ? $#shown : 9) ];
}
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM assist.statements WHERE query ~ '/\* l\d+ \*/ FROM one'}), '>', @literals - 4,
	'and the statements are there');
like($node->safe_psql('postgres', 'SELECT DISTINCT application_name FROM assist.samples'), qr/^app(?:\?|\\x01).*\[31m/m, 'the application is named');

# The protocol itself: names that no client would use, 65535 parameters, bytes that are no text.
my $wire = Hostile::Wire->new($node, 'postgres', 'postgres');
my $hostile = qq{p"'\n\t\\ \$1};
$wire->parse($hostile, 'SELECT $1::text, $2::int /* wire */');
$wire->bind($hostile, $hostile, 'bound secret', 5);
$wire->execute($hostile, 1);
like($wire->sync, qr/bound secret/, 'a hostile statement and portal');
$wire->parse('all', 'SELECT count(*) FROM one WHERE a IN (' . join(',', map { "\$$_\::int" } 1 .. 65535) . ') AND a < 8675309 AND a > 8675308');
$wire->bind('', 'all', (1) x 65535);
$wire->execute('', 0);
like($wire->sync, qr/SELECT 1\0/, '65535 parameters');
$wire->parse('', "SELECT '\xff\xfe secret'");
like($wire->sync, qr/C22021/, 'invalid bytes in a statement are refused');
$wire->parse('', 'SELECT $1::text');
$wire->bind('', '', "\xc3");
like($wire->sync, qr/C22021/, 'and in a parameter');
$wire->parse("\xff", 'SELECT 1');
$wire->bind("\xff\n", "\xff");
$wire->execute("\xff\n", 1);
$wire->sync;
$wire->parse('', 'SELECT a AS survivor FROM one WHERE a = $1');
$wire->bind('', '', 1);
$wire->execute('', 0);
like($wire->sync, qr/SELECT 1\0/, 'the connection lives');
$wire->close;

readable($node, 'postgres');
cmp_ok(refresh($node, 'postgres'), '>=', 0, 'all of it is analysed');
healthy($node, qr/stack depth limit|memory exhausted|invalid byte sequence|does not exist|already exists|invalid input syntax/);

done_testing();
