// The size model against pages measured on PostgreSQL 15 (8 kB pages, maintenance_work_mem 128 MB,
// one process): a table of 1,000,000 rows, each index made by CREATE INDEX, pages from
// pg_class.relpages. Distinct counts are exact ones, so that the model is tested and not ANALYZE.
#include "assist/size_model.hpp"

#include <initializer_list>

#include <gtest/gtest.h>

namespace assist {
namespace {

constexpr double kRows = 1e6;

SizedColumn Int4() { return {.width = 4, .length = 4, .align = 'i'}; }
SizedColumn Int8() { return {.width = 8, .length = 8, .align = 'd'}; }
SizedColumn Bool() { return {.width = 1, .length = 1, .align = 'c'}; }
SizedColumn Uuid() { return {.width = 16, .length = 16, .align = 'c'}; }
SizedColumn Text(double width) { return {.width = width, .length = -1, .align = 'i'}; }
SizedColumn ConstantText(double width) {
  return {.width = width, .length = -1, .align = 'i', .constant_width = true};
}
SizedColumn WithNulls(SizedColumn column, double fraction, double distinct = 0) {
  column.null_fraction = fraction;
  column.distinct = distinct;
  return column;
}

struct Case {
  std::initializer_list<SizedColumn> keys;
  double distinct = 0;
  bool equal_image = true;
  bool unique = false;
  int fillfactor = 90;
  std::initializer_list<SizedColumn> included = {};
};

double Pages(const Case& c, double rows = kRows) {
  return EstimateBtreePages({.rows = rows,
                             .keys = {c.keys.begin(), c.keys.size()},
                             .included = {c.included.begin(), c.included.size()},
                             .distinct = c.distinct,
                             .equal_image = c.equal_image,
                             .unique = c.unique,
                             .fillfactor = c.fillfactor});
}

#define EXPECT_WITHIN(share, measured, estimated) \
  EXPECT_NEAR(measured, estimated, (measured) * (share))

TEST(BtreeSize, FixedWidthDifferentKeysAreExact) {
  EXPECT_EQ(2745, Pages({.keys = {Int4()}}));
  EXPECT_EQ(2745, Pages({.keys = {Int4()}, .unique = true}));
  EXPECT_EQ(2745, Pages({.keys = {Int8()}}));  // bigint and timestamp
  EXPECT_EQ(3853, Pages({.keys = {Uuid()}}));
  EXPECT_EQ(3853, Pages({.keys = {Int4(), Int8()}}));
}

TEST(BtreeSize, FillfactorIsHonoured) {
  EXPECT_EQ(2475, Pages({.keys = {Int4()}, .fillfactor = 100}));
  EXPECT_WITHIN(0.01, 1462, Pages({.keys = {Int4()}, .distinct = 99993, .fillfactor = 70}));
}

TEST(BtreeSize, FewDifferentKeysBecomePostingLists) {
  EXPECT_WITHIN(0.01, 850, Pages({.keys = {Int4()}, .distinct = 10}));
  EXPECT_WITHIN(0.01, 849, Pages({.keys = {Bool()}, .distinct = 2}));
  EXPECT_WITHIN(0.01, 850, Pages({.keys = {Bool(), Int4()}, .distinct = 20}));
  EXPECT_WITHIN(0.02, 863, Pages({.keys = {Text(9)}, .distinct = 5}));
}

TEST(BtreeSize, RepeatedKeysShareTuples) {
  EXPECT_WITHIN(0.01, 1136, Pages({.keys = {Int4()}, .distinct = 99993}));   // ten rows a key
  EXPECT_WITHIN(0.01, 2057, Pages({.keys = {Int4()}, .distinct = 432463}));  // 2.3 rows a key
  EXPECT_WITHIN(0.10, 2007,
                Pages({.keys = {Int4()}, .distinct = 333334}));  // each key exactly thrice
  EXPECT_WITHIN(0.05, 1132, Pages({.keys = {Int4()}, .distinct = 97503}));  // density as x^-3/4
  EXPECT_WITHIN(0.15, 1835, Pages({.keys = {Int4(), Int4()}, .distinct = 415524}));  // skewed
}

TEST(BtreeSize, NoDeduplicationWhereTheServerDoesNone) {
  EXPECT_EQ(2749, Pages({.keys = {Int4()}, .distinct = 10, .equal_image = false}));
  EXPECT_WITHIN(0.05, 3859,
                Pages({.keys = {Text(11)}, .distinct = 1001, .equal_image = false}));  // char(10)
  EXPECT_WITHIN(0.01, 3853, Pages({.keys = {Int4()}, .distinct = 99993, .included = {Int8()}}));
}

TEST(BtreeSize, NullsAreOneKey) {
  EXPECT_WITHIN(0.03, 1418, Pages({.keys = {WithNulls(Int4(), 0.7)}, .distinct = 300000}));
  EXPECT_WITHIN(0.01, 850, Pages({.keys = {WithNulls(Int4(), 0.5)}, .distinct = 21}));
  SizedColumn second = Int4();
  second.distinct = 99993;
  EXPECT_WITHIN(0.01, 2168,
                Pages({.keys = {WithNulls(Int4(), 0.5, 21), second}, .distinct = 443706}));
}

TEST(BtreeSize, TextOfConstantWidthIsExact) {
  EXPECT_EQ(3853, Pages({.keys = {ConstantText(10)}}));
  EXPECT_WITHIN(0.001, 7210, Pages({.keys = {ConstantText(33)}}));  // md5
}

TEST(BtreeSize, TextOfUnknownWidthsIsWithinFifteenPercent) {
  EXPECT_WITHIN(0.15, 3853, Pages({.keys = {Text(10)}}));  // user1 .. user1000000
  EXPECT_WITHIN(0.15, 7210, Pages({.keys = {Text(33)}}));  // md5
  EXPECT_WITHIN(0.15, 8654, Pages({.keys = {Text(46)}}));  // 21 to 67 bytes
  EXPECT_WITHIN(0.15, 3731, Pages({.keys = {Text(8)}, .distinct = 951661}));  // numeric(10,2)
  EXPECT_WITHIN(0.15, 3853, Pages({.keys = {Text(9), Int4()}}));
}

TEST(BtreeSize, WideKeys) { EXPECT_WITHIN(0.05, 63353, Pages({.keys = {Text(409)}})); }

TEST(BtreeSize, EmptyIndexIsItsMetaPage) {
  EXPECT_EQ(1, Pages({.keys = {Int4()}}, 0));
  EXPECT_EQ(2, Pages({.keys = {Int4()}}, 1));
}

TEST(BtreeSize, HeightCountsLevelsAboveTheLeaves) {
  const SizedColumn key[] = {Int4()};
  EXPECT_EQ(0, EstimateBtree({.rows = 300, .keys = key}).height);
  EXPECT_EQ(1, EstimateBtree({.rows = 1e5, .keys = key}).height);
  EXPECT_EQ(2, EstimateBtree({.rows = 1e6, .keys = key}).height);
}

TEST(CombineDistinct, SaturatesAtTheRows) {
  const double few[] = {10, 20};
  EXPECT_NEAR(200, CombineDistinct(few, 1e6), 1);
  const double many[] = {1e5, 1e5};
  EXPECT_NEAR(1e6, CombineDistinct(many, 1e6), 1e3);
  EXPECT_EQ(0, CombineDistinct(few, 0));
  const double one[] = {1e6};
  EXPECT_EQ(1e6, CombineDistinct(one, 1e6));
}

TEST(DistinctCount, NegativeIsAShareOfTheRows) {
  EXPECT_EQ(500, DistinctCount(-0.5, 1000));
  EXPECT_EQ(42, DistinctCount(42, 1000));
  EXPECT_EQ(0, DistinctCount(0, 1000));
}

}  // namespace
}  // namespace assist
