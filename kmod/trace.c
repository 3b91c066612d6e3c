// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints of trace.h. A file of their own: all others
 * call them, and no two files of the driver may call each other in a circle.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
