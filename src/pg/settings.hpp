// The settings assist.* (docs/settings.md). Defined once, in the table of settings.cpp.
#pragma once

#include "pg/server.hpp"

// Hidden: reached without the offset table.
#pragma GCC visibility push(hidden)

namespace assist::pg {

enum Track : int { kTrackNone, kTrackTop, kTrackAll };
enum MaskLiterals : int { kMaskOff, kMaskExports, kMaskOn };

// Capture: superuser, at any time.
extern int track;                  // Track
extern bool track_utility;
extern bool track_planning;
extern double sample_rate;         // 0..1
extern bool keep_constants;
extern bool sample_parameters;
extern int mask_literals;          // MaskLiterals
extern int max_text_bytes;         // longer statement texts are cut and marked

// Sizes: at server start.
extern int max_statements;
extern int max_plans_per_statement;
extern int text_memory_kb;
extern int max_workers;
extern int activity_samples;       // rows of assist.activity_history

// Workers: reload.
extern int wait_interval_ms;       // 0 = waits are not sampled
extern char* databases;            // names separated by commas; * = all
extern int interval_s;             // 0 = the analyst is off
extern double max_overhead_percent;
extern bool save_statistics;
extern bool log_alerts;
extern char* history_tiers;        // see assist/history_tiers.hpp

// Defines every setting. REQUIRES: called once from _PG_init.
void define_settings();

// True when the library came by shared_preload_libraries and its shared memory is there.
bool is_preloaded();
// ereports object_not_in_prerequisite_state with the line for postgresql.conf unless is_preloaded().
void require_preload();

}  // namespace assist::pg

#pragma GCC visibility pop
