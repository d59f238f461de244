# A recommendation outlives an analysis that could not plan its statements: for a lock, for want of memory.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Assist;

my $node = new_node('unplanned', conf => "assist.interval = 0\nassist.sample_rate = 1\n");
$node->safe_psql('postgres', q{
	CREATE TABLE orders (id int PRIMARY KEY, customer int, note text);
	CREATE TABLE customers (id int PRIMARY KEY, name text);
	INSERT INTO orders SELECT g, g, repeat('x', 100) FROM generate_series(1, 50000) g;
	INSERT INTO customers SELECT g, g FROM generate_series(1, 50000) g;
	ANALYZE orders; ANALYZE customers;
	SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0, "min_executions": 1}')});
$node->safe_psql('postgres',
	join ';', map { "SELECT name, note FROM orders o JOIN customers c ON c.id = o.customer WHERE o.customer = $_" } 1 .. 5);

# The state of the recommendation after an analysis.
sub after_analysis
{
	$node->safe_psql('postgres', "SELECT assist.refresh(ARRAY['index'])");
	return $node->safe_psql('postgres',
		"SELECT string_agg(status, ',') FROM assist.all_recommendations WHERE rule = 'missing_index' AND title LIKE '%orders%'");
}

is(after_analysis(), 'open', 'an index is recommended');

# The other table of the join: that of the recommendation is there to be read.
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE');
is(after_analysis(), 'open', 'and stays while its statement cannot be planned');
$holder->query_safe('ROLLBACK');
$holder->quit;
is(after_analysis(), 'open', 'and after');

# What does not pass ends it.
$node->safe_psql('postgres', 'ALTER TABLE customers RENAME TO clients');
is(after_analysis(), 'obsolete', 'a statement that has lost its table has none');
$node->safe_psql('postgres', 'ALTER TABLE clients RENAME TO customers');
is(after_analysis(), 'open', 'until it is back');
$node->stop;
done_testing();
