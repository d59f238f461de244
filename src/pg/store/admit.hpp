// Who gets a place while the store is full: a statement that is seen a second time or takes a
// millisecond, as long as room is not made too often, and what takes long, always. In a flood of
// statements that come once each, making room for every one would cost each of them more than many
// take, and everybody the locks. What gets no place is accounted for as if it had had one and given
// way at once.
#pragma once

#include "pg/store/store.hpp"

#pragma GCC visibility push(hidden)

namespace assist::pg {

inline bool store_is_full() {
  return *const_cast<volatile uint32*>(&store()->free_statement) == kNone;
}

// What a place is asked for; remembered apart, as the same execution asks for both.
enum class Asks : uint8 { kText, kCounts };

// Whether this statement has asked before; it has from now on. Of statements that share a place in
// this memory the last is remembered, some thousands of others long. Without a lock.
bool has_asked_before(const StatementKey& key, Asks what);

// Whether room may be made for one more statement now: two hundred times a second on the server, at
// some ten microseconds for it and as much again for the measuring of its plan.
bool may_make_room();

// Whether an execution of so long makes room for its statement: none of less than kWorthNs.
inline constexpr uint64 kWorthNs = 1000000;
bool is_worth_room(uint64 exec_ns);

// Whether gains that are to be moved into the store open a place for their statement.
bool is_admitted(const StatementKey& key, const Counters& gain);

// Accounts for gains that got no place. `by_owner`: the slot is the caller's.
void pass_over(Slot* slot, const SlotEntry& entry, const Counters& gain, bool by_owner);

// The slot is a session's of this database from now on. REQUIRES: it is the caller's.
void begin_passing(Slot* slot);

// Moves that account from a slot into the store's. REQUIRES: index_table_lock, exclusive.
void take_slot_passed(Slot* slot);
// Calls and errors in it that are not moved yet, and statements.
uint64 passed_calls(const Slot* slot);
uint64 passed_statements(const Slot* slot);

}  // namespace assist::pg

#pragma GCC visibility pop
