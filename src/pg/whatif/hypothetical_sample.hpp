// Sizes that statistics do not tell: read off a sample of the table's rows.
#pragma once

#include "pg/whatif/hypothetical.hpp"

namespace assist::pg {

// `table` is open; its statistics say `rows` and `pages`; `entries` rows satisfy the index's
// predicate. A sample is taken once for each table and set.

// Of tables that may have changed.
void forget_samples(HypotheticalSet* set);

// Pages of a GIN index. ERROR 0A000 where its keys cannot be extracted here: by a function of a
// user, from rows that row security hides from the current user, or where no row could be read.
double sampled_gin_pages(HypotheticalSet* set, const HypotheticalIndex* index, Relation table,
                         double rows, BlockNumber pages, double entries);

struct SampledKeys {
  double distinct;               // different keys without a null, of all rows that have an entry
  double nulls[INDEX_MAX_KEYS];  // fraction of the entries, by column
  double width[INDEX_MAX_KEYS];  // bytes of what is not null, varlena header included
};

// False when there is too little to sample, or what that needs is not allowed here as above.
bool sample_keys(HypotheticalSet* set, const HypotheticalIndex* index, Relation table, double rows,
                 BlockNumber pages, double entries, SampledKeys* out);

}  // namespace assist::pg
