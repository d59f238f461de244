// What the parts of capture share. Built with -fno-exceptions -fno-rtti: nothing here has a destructor,
// throws or allocates on the hot path. See README.md in this folder.
#pragma once

#include "pg/settings.hpp"
#include "pg/store.hpp"

extern "C" {
#include "access/parallel.h"
#include "access/xact.h"
#include "executor/execdesc.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "utils/queryjumble.h"
}

namespace assist::capture {

using namespace assist::pg;  // NOLINT: capture is written in terms of the store

// The server's resource counters that are recorded.
struct Usage {
  uint64 blks_hit, blks_read, blks_dirtied, temp_read, temp_written, wal_bytes;
};

// A statement between its start and its end, in this backend. Kept apart from the executor's memory, which
// an abort frees before our callbacks run.
struct Open {
  const QueryDesc* desc;  // identity only; nullptr = being planned
  SlotEntry* entry;       // nullptr: no room; the execution will count as lost
  uint64 queryid, planid;
  uint64 exec_ns;
  uint64 rows;
  Usage used;             // sums over the runs
  double estimated_cost;
  Oid userid;
  SubTransactionId subid;
  int depth;              // statements around it
  bool live;              // false: an entry of the stack left over by closing out of order
  bool running;           // control is inside it now: an abort means that it failed
  uint32 weight;          // executions this one stands for, as a sample; 0 = not sampled
  bool scans_index;
};

// --- open.cpp
extern int depth;         // statements whose code is running now, utility included
int push_open(const Open& open);           // index, or -1: no memory
int find_open(const QueryDesc* desc);      // -1: not recorded
Open* open_at(int i);
void pop_open(int i);
void install_transaction_callbacks();

// --- record.cpp
Slot* slot();             // this backend's; nullptr = nothing can be recorded
struct EntryKey {
  uint64 queryid, planid;
  Oid userid;
  bool toplevel;
};
SlotEntry* find_or_claim_entry(const EntryKey& key, const char* source);
void record_execution(const Open& open, uint64 jit_ns);
void record_error(const Open& open, int sqlstate, const char* message);
void record_planning(uint64 queryid, uint64 ns);  // kept until the execution or the transaction's end
void flush_planning();
void count_lost_execution(uint64 ns);

// --- errors.cpp
extern int last_sqlstate;
extern char last_message[104];
void note_error(void*);   // an ErrorContextCallback
void install_error_hook();
void forget_error();

// --- fingerprint.cpp
// Structure of the plan: nodes, relations, indexes, join types; partition children folded into their
// parent. Never 0. Sets *scans_index when an index scan occurs.
uint64 plan_fingerprint(const PlannedStmt* plan, bool* scans_index);
// The range table index of the topmost parent of `rti`.
Index root_relation(const PlannedStmt* plan, Index rti);

// --- text.cpp
// Called for every parsed statement; cheap when its text is known.
void see_parse(const char* source, const Query* query, JumbleState* jumble);
// Registers the text of a statement that was parsed before we could see it.
void supply_text(const QueryDesc* desc, const Open& open);
// The constants in the text of the statement parsed last, when it is this one, in the order of $n.
struct Literals {
  int first;              // n of the first
  int count;
  const char* start[64];
  int length[64];
};
bool literals_of(uint64 queryid, const char* source, Literals* out);

// --- index_use.cpp
void record_index_use(QueryDesc* desc, const Open& open);

// --- deep.cpp
// Chooses executions for actual row counts; called before ExecutorStart.
// Executions that this one stands for; 0 = not sampled.
uint32 choose_sample(SlotEntry* entry);
// Reads a sampled execution's plan state. Never fails the statement.
void record_deep(QueryDesc* desc, const Open& open);

// --- hooks.cpp
extern int suppressed;    // > 0: our own work, not to be recorded
void install_hooks();

inline bool enabled() {
  return suppressed == 0 && (track == kTrackAll || (track == kTrackTop && depth == 0)) &&
         !IsParallelWorker() && slot() != nullptr;
}

}  // namespace assist::capture
