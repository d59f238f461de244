// Expected sizes against pages measured on PostgreSQL 15 after VACUUM FULL, and what is left as
// bloat.
#include "core/bloat.hpp"

#include <initializer_list>
#include <vector>

#include "world.hpp"

namespace assist::test {
namespace {

Column Fixed(std::int16_t number, std::int16_t length, char align, double nulls = 0) {
  return {.number = number,
          .length = length,
          .align = align,
          .has_statistics = true,
          .null_fraction = nulls,
          .average_width = static_cast<double>(length),
          .distinct = -1};
}
Column Text(std::int16_t number, double width) {
  return {.number = number,
          .length = -1,
          .align = 'i',
          .has_statistics = true,
          .average_width = width,
          .distinct = -1};
}

Table MakeTable(double rows, std::int64_t pages, const std::vector<Column>& columns) {
  Table table;
  table.rows = rows;
  table.pages = pages;
  table.size_bytes = pages * 8192;
  table.columns = columns;
  return table;
}

double ExpectedPages(const Table& table) {
  const Bloat bloat = EstimateTableBloat(table);
  EXPECT_EQ(SizeSource::kEstimate, bloat.source);
  return static_cast<double>(bloat.expected_bytes) / 8192;
}

// Twice the measured pages, so that the estimate is not capped by the real size.
double ExpectedPages(double rows, std::int64_t measured, std::vector<Column> columns,
                     int fillfactor = 100) {
  Table table = MakeTable(rows, measured * 2, columns);
  table.fillfactor = fillfactor;
  return ExpectedPages(table);
}

TEST(TableBloat, FixedWidthIsExact) {
  // int, bigint, bool, timestamptz: 500,000 rows in 3677 pages.
  EXPECT_EQ(3677, ExpectedPages(
                      5e5, 3677,
                      {Fixed(1, 4, 'i'), Fixed(2, 8, 'd'), Fixed(3, 1, 'c'), Fixed(4, 8, 'd')}));
}

TEST(TableBloat, BadColumnOrderIsPaddingNotBloat) {
  // bool, bigint, bool, bigint, smallint, bigint: 30,000 rows in 281 pages.
  EXPECT_EQ(281, ExpectedPages(3e4, 281,
                               {Fixed(1, 1, 'c'), Fixed(2, 8, 'd'), Fixed(3, 1, 'c'),
                                Fixed(4, 8, 'd'), Fixed(5, 2, 's'), Fixed(6, 8, 'd')}));
}

TEST(TableBloat, FillfactorIsNotBloat) {
  EXPECT_EQ(3876, ExpectedPages(5e5, 3876, {Fixed(1, 4, 'i'), Fixed(2, 8, 'd')}, 70));
}

TEST(TableBloat, DroppedColumnsCostTheNullBitmapOnly) {
  Column dropped = Fixed(2, 8, 'd');
  dropped.dropped = true;
  dropped.has_statistics = false;
  EXPECT_EQ(2213, ExpectedPages(5e5, 2213, {Fixed(1, 4, 'i'), dropped, Fixed(3, 4, 'i')}));
}

TEST(TableBloat, NullableColumns) {
  // int, int half null, bigint 90 % null, int.
  EXPECT_NEAR(2528,
              ExpectedPages(5e5, 2528,
                            {Fixed(1, 4, 'i'), Fixed(2, 4, 'i', 0.5), Fixed(3, 8, 'd', 0.9),
                             Fixed(4, 4, 'i')}),
              2528 * 0.07);
  // int, int and text always null, bigint.
  Column text = Text(3, 0);
  text.null_fraction = 1;
  EXPECT_EQ(2703, ExpectedPages(5e5, 2703,
                                {Fixed(1, 4, 'i'), Fixed(2, 4, 'i', 1), text, Fixed(4, 8, 'd')}));
  // Ten ints, the last null in a tenth of the rows, which takes the bitmap past the header's
  // padding.
  std::vector<Column> many;
  for (std::int16_t i = 1; i <= 10; ++i) many.push_back(Fixed(i, 4, 'i', i == 10 ? 0.1 : 0));
  EXPECT_NEAR(2543, ExpectedPages(3e5, 2543, many), 2543 * 0.02);
}

TEST(TableBloat, TextWidths) {
  // int, 'customer number N', md5, 0 to 60 characters.
  EXPECT_NEAR(7534,
              ExpectedPages(5e5, 7534, {Fixed(1, 4, 'i'), Text(2, 22), Text(3, 33), Text(4, 30)}),
              7534 * 0.02);
  // smallint, 'status_N', bool.
  EXPECT_NEAR(2703, ExpectedPages(5e5, 2703, {Fixed(1, 2, 's'), Text(2, 9), Fixed(3, 1, 'c')}),
              2703 * 0.02);
  // int, 700 to 1100 characters.
  EXPECT_NEAR(12243, ExpectedPages(1e5, 12243, {Fixed(1, 4, 'i'), Text(2, 904)}), 12243 * 0.02);
}

TEST(TableBloat, DeletedRowsAreReclaimable) {
  const std::vector<Column> columns{Fixed(1, 4, 'i'), Fixed(2, 8, 'd'), Fixed(3, 1, 'c'),
                                    Fixed(4, 8, 'd')};
  const Bloat bloat = EstimateTableBloat(MakeTable(2.5e5, 3677, columns));
  EXPECT_NEAR(0.5, bloat.reclaimable_fraction, 0.001);
}

TEST(TableBloat, NoEstimateWithoutStatistics) {
  std::vector<Column> columns{Fixed(1, 4, 'i'), Text(2, 22)};
  columns[1].has_statistics = false;
  EXPECT_EQ(SizeSource::kNone, EstimateTableBloat(MakeTable(1e5, 1000, columns)).source);
  columns[1].has_statistics = true;
  EXPECT_EQ(SizeSource::kNone, EstimateTableBloat(MakeTable(-1, 1000, columns)).source);
}

TEST(TableBloat, MeasuredFreeSpaceWithinTheFillfactorIsNotReclaimable) {
  const std::vector<Column> columns{Fixed(1, 4, 'i'), Fixed(2, 8, 'd')};
  Table table = MakeTable(5e5, 3876, columns);
  table.fillfactor = 70;
  // pgstattuple says 30.3 % free on this fresh table.
  const Bloat bloat = MeasureTableBloat(table, static_cast<std::int64_t>(3876 * 8192 * 0.303), 0);
  EXPECT_EQ(SizeSource::kMeasured, bloat.source);
  EXPECT_LT(bloat.reclaimable_fraction, 0.02);
}

TEST(TableBloat, MeasuredWideRowsLeaveRoomThatIsNotReclaimable) {
  // 5000-byte rows: one a page, 38 % free for ever.
  const std::vector<Column> columns{Fixed(1, 4, 'i'), Fixed(2, 5000, 'c')};
  const Bloat bloat = MeasureTableBloat(MakeTable(1e4, 10000, columns), 10000LL * 3100, 0);
  EXPECT_LT(bloat.reclaimable_fraction, 0.02);
}

TEST(TableBloat, MeasuredDeadAndFreeAreReclaimable) {
  const std::vector<Column> columns{Fixed(1, 4, 'i'), Fixed(2, 8, 'd')};
  const Bloat bloat =
      MeasureTableBloat(MakeTable(5e5, 5000, columns), 5000LL * 8192 / 4, 5000LL * 8192 / 4);
  EXPECT_NEAR(0.5, bloat.reclaimable_fraction, 0.02);
}

class IndexBloatModel : public ::testing::Test {
 protected:
  IndexBloatModel() { table_ = world_.AddTable(); }
  Index& AddSized(std::int64_t pages, std::initializer_list<std::int16_t> columns) {
    Index& index = world_.AddIndex(2000, "orders_idx", columns);
    index.pages = pages;
    index.size_bytes = pages * 8192;
    return index;
  }
  World world_;
  Table table_;
};

TEST_F(IndexBloatModel, FreshIndexesHaveNone) {
  Index& index = AddSized(2745, {1});  // 1,000,000 different ints
  IndexKey key = index.keys[0];
  key.distinct = -1;
  world_.SetKeys(index, {key});
  EXPECT_EQ(0, EstimateIndexBloat(index, table_).reclaimable_bytes);
  key.distinct = 10;  // low cardinality, 850 pages
  world_.SetKeys(index, {key});
  index.size_bytes = 850 * 8192;
  EXPECT_LT(EstimateIndexBloat(index, table_).reclaimable_fraction, 0.01);
}

TEST_F(IndexBloatModel, HalfEmptyIndexHasHalf) {
  Index& index = AddSized(5490, {1});
  IndexKey key = index.keys[0];
  key.distinct = -1;
  world_.SetKeys(index, {key});
  EXPECT_NEAR(0.5, EstimateIndexBloat(index, table_).reclaimable_fraction, 0.001);
}

TEST_F(IndexBloatModel, UnknownRepetitionCountsAsNone) {
  Index& index = AddSized(2745, {1});
  IndexKey key = index.keys[0];
  key.distinct = 0;
  world_.SetKeys(index, {key});
  EXPECT_EQ(0, EstimateIndexBloat(index, table_).reclaimable_bytes);
}

TEST_F(IndexBloatModel, PartialIndexIsNotTakenForBloated) {
  // Half of the column is null and the predicate excludes nulls: 500,000 different ints, 1374
  // pages.
  Index& index = AddSized(1374, {1});
  index.predicate = "(id IS NOT NULL)";
  index.entries = 5e5;
  IndexKey key = index.keys[0];
  key.null_fraction = 0.5;
  key.distinct = -0.5;
  world_.SetKeys(index, {key});
  EXPECT_LT(EstimateIndexBloat(index, table_).reclaimable_fraction, 0.01);
}

TEST_F(IndexBloatModel, NoEstimateForOtherMethodsAndUnknownWidths) {
  Index& index = AddSized(5000, {1});
  index.method = "gin";
  EXPECT_EQ(SizeSource::kNone, EstimateIndexBloat(index, table_).source);
  index.method = "btree";
  world_.SetKeys(index, {IndexKey{.column = 0, .expression = "lower(note)", .length = -1}});
  EXPECT_EQ(SizeSource::kNone, EstimateIndexBloat(index, table_).source);
}

TEST_F(IndexBloatModel, MeasuredDensityIsComparedWithTheFillfactor) {
  // A perfect index of fillfactor 90 has a density of 90 %.
  IndexMeasure measure{
      .size_bytes = 2745 * 8192, .internal_pages = 11, .leaf_pages = 2733, .density = 90.06};
  EXPECT_EQ(0, MeasureIndexBloat(measure, 90).reclaimable_bytes);
  measure.density = 45;
  EXPECT_NEAR(0.5, MeasureIndexBloat(measure, 90).reclaimable_fraction, 0.01);
  measure.density = 90;
  measure.deleted_pages = 2733;
  measure.size_bytes += 2733 * 8192;
  EXPECT_NEAR(0.5, MeasureIndexBloat(measure, 90).reclaimable_fraction, 0.01);
}

}  // namespace
}  // namespace assist::test
