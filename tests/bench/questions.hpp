// SPDX-License-Identifier: Apache-2.0
// The questions, each in the file of its name. "counted" ones have one thread, and are asked
// where the clock counts instructions; "timed" ones need processors that run at once.
#pragma once

#include "report.hpp"

namespace bench {

void ask_lives(Report& report);    // a: the life of a region
void ask_faults(Report& report);   // b: page faults
void ask_pins(Report& report);     // c: PIN, UNPIN, status among many ranges
void ask_threads(Report& report);  // d: several threads, and what they wait for
void ask_reclaim(Report& report);  // e: purge and reclaim
void ask_parts(Report& report);    // e: the parts of reclaim
void ask_holds(Report& report);    // e: the longest hold of each lock, on a kernel with lockdep
void ask_reads(Report& report);    // f: read
void ask_slabs(Report& report);    // g: kernel memory
void ask_channels(Report& report); // h: bytes from one process to another
void ask_yields(Report& report);   // i: memory that yields
void ask_library(Report& report);  // j: the library over raw calls
void ask_crowds(Report& report);   // k: very many regions and ranges

} // namespace bench
