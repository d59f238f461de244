// Constants back into a normalised text, by the server's own scanner: a $1 inside a string or a
// comment is none.

#include "pg/whatif/planning_query.hpp"

extern "C" {
#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "parser/scanner.h"
}

namespace assist::pg {

namespace {

bool is_parameter(const char* at) { return at[0] == '$' && at[1] >= '0' && at[1] <= '9'; }

}  // namespace

PlanningQuery make_planning_query(const PlanningText& kept) {
  core_yy_extra_type extra;
  core_yyscan_t scanner = scanner_init(kept.text, &extra, &ScanKeywords, ScanKeywordTokens);
  // The words of the grammar do not matter here, so neither do the settings that change their
  // reading.
  StringInfoData text;
  initStringInfo(&text);
  PlanningQuery query = {nullptr, nullptr, kept.nparams, 0, nullptr, 0, kept.samples};
  query.placed = static_cast<PlacedConstant*>(
      palloc(sizeof(PlacedConstant) * static_cast<Size>(kept.nparams + 1)));
  int copied = 0;
  core_YYSTYPE value;
  YYLTYPE at;
  while (core_yylex(&value, &at, scanner) != 0) {
    const char* token = kept.text + at;
    if (!is_parameter(token)) continue;
    int number = 0, length = 1;
    for (; token[length] >= '0' && token[length] <= '9' && number < 100000; ++length)
      number = number * 10 + (token[length] - '0');
    if (number < 1 || number > kept.nparams || !kept.params[number - 1].known ||
        kept.params[number - 1].literal == nullptr) {
      ++query.unknown;
      continue;
    }
    appendBinaryStringInfo(&text, kept.text + copied, at - copied);
    const PlanningParam& param = kept.params[number - 1];
    // Bound parameters are unknown to a generic plan.
    if (!OidIsValid(param.type) && query.nplaced < kept.nparams)
      query.placed[query.nplaced++] = {text.len + 1, param.held};
    // Blanks keep it from growing together with its neighbours.
    appendStringInfo(&text, " %s ", param.literal);
    copied = at + length;
  }
  scanner_finish(scanner);
  appendStringInfoString(&text, kept.text + copied);
  query.text = text.data;
  query.types = static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<Size>(kept.nparams + 1)));
  for (int i = 0; i < kept.nparams; ++i) query.types[i] = kept.params[i].type;
  return query;
}

}  // namespace assist::pg
