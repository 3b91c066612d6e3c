// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints of trace.h. A file of their own, since all others call them.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
