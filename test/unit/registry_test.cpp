#include "assist/rule.hpp"

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "world.hpp"

namespace assist {
namespace {

std::string ReadSource(const std::string& path) {
  std::ifstream file(std::string(ASSIST_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool IsSnakeCase(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

TEST(Registry, IdsAreUniqueAndFound) {
  std::set<std::string_view> ids;
  for (const RuleDescriptor* rule : AllRules()) {
    EXPECT_TRUE(IsSnakeCase(rule->id)) << rule->id;
    EXPECT_TRUE(ids.insert(rule->id).second) << rule->id;
    EXPECT_EQ(rule, FindRule(rule->id));
  }
  EXPECT_EQ(nullptr, FindRule("no_such_rule"));
}

TEST(Registry, IsOrderedByCategoryAndId) {
  const auto rules = AllRules();
  for (std::size_t i = 1; i < rules.size(); ++i) {
    EXPECT_LT(std::make_pair(rules[i - 1]->category, rules[i - 1]->id),
              std::make_pair(rules[i]->category, rules[i]->id));
  }
}

TEST(Registry, ParametersHaveUnitsRangesAndMeanings) {
  for (const RuleDescriptor* rule : AllRules()) {
    std::set<std::string_view> names;
    for (const Param& param : rule->params) {
      EXPECT_TRUE(IsSnakeCase(param.name)) << rule->id << " " << param.name;
      EXPECT_TRUE(names.insert(param.name).second) << rule->id << " " << param.name;
      EXPECT_FALSE(param.meaning.empty()) << rule->id << " " << param.name;
      EXPECT_NE(Unit::kNone, param.unit) << rule->id << " " << param.name;
      EXPECT_LT(param.min, param.max) << rule->id << " " << param.name;
      EXPECT_GE(param.fallback, param.min) << rule->id << " " << param.name;
      EXPECT_LE(param.fallback, param.max) << rule->id << " " << param.name;
    }
  }
}

TEST(Registry, EveryRuleHasATitleASourceAndAPage) {
  for (const RuleDescriptor* rule : AllRules()) {
    EXPECT_FALSE(rule->title.empty()) << rule->id;
    EXPECT_FALSE(rule->source.empty()) << rule->id;
    const std::string page = ReadSource("docs/rules/" + std::string(rule->id) + ".md");
    EXPECT_FALSE(page.empty()) << rule->id;
    for (const Param& param : rule->params) {
      EXPECT_NE(std::string::npos, page.find("`" + std::string(param.name) + "`"))
          << rule->id << ".md does not explain " << param.name;
    }
  }
}

TEST(Registry, EveryRuleHasItsOwnTests) {
  for (const RuleDescriptor* rule : AllRules()) {
    const std::string tests = ReadSource("test/unit/" + std::string(rule->id) + "_test.cpp");
    EXPECT_NE(std::string::npos, tests.find("Silent")) << rule->id;
  }
}

TEST(Registry, AnEmptySnapshotHasNoFindings) {
  for (const RuleDescriptor* rule : AllRules()) {
    test::World world;
    EXPECT_TRUE(world.Run(rule->id).empty()) << rule->id;
    world.snapshot.server = Server{};
    EXPECT_TRUE(world.Run(rule->id).empty()) << rule->id;
  }
}

TEST(ParamValues, AreFoundByName) {
  const Param params[] = {{.name = "a", .fallback = 1}, {.name = "b", .fallback = 2}};
  const double values[] = {10, 20};
  const ParamValues given(params, values);
  EXPECT_EQ(10, given["a"]);
  EXPECT_EQ(20, given["b"]);
}

}  // namespace
}  // namespace assist
