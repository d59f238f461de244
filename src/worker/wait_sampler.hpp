// The sampler of waits: the collector's look at what every session does.
#pragma once

namespace assist::worker {

// REQUIRES: called once, before the others.
void start_wait_sampler();

// Takes a sample when one is due. Milliseconds until the next one; -1 = never.
long sample_waits();

}  // namespace assist::worker
