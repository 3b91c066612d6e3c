/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: the life of a region, for perf, bpftrace and tracefs.
 *
 * @region is the same value from create to release, and means nothing else. The
 * inode number, which /proc/PID/maps and fdinfo show too, exists from the first
 * map on and is 0 before.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ashmem

#if !defined(_ASHMEM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _ASHMEM_TRACE_H

#include <linux/mm.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include "ashmem.h"

TRACE_EVENT(ashmem_create,
	TP_PROTO(const struct ashmem_region *region),
	TP_ARGS(region),
	TP_STRUCT__entry(
		__field(const void *, region)
	),
	TP_fast_assign(
		__entry->region = region;
	),
	TP_printk("region=%p", __entry->region)
);

TRACE_EVENT(ashmem_size,
	TP_PROTO(const struct ashmem_region *region, u64 size),
	TP_ARGS(region, size),
	TP_STRUCT__entry(
		__field(const void *, region)
		__field(u64, size)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->size = size;
	),
	TP_printk("region=%p size=%llu", __entry->region, __entry->size)
);

TRACE_EVENT(ashmem_map,
	TP_PROTO(const struct ashmem_region *region,
		 const struct vm_area_struct *vma),
	TP_ARGS(region, vma),
	TP_STRUCT__entry(
		__field(const void *, region)
		__field(u64, ino)
		__field(u64, len)
		__field(unsigned int, prot)
		__field(bool, shared)
		__array(char, name, ASHMEM_NAME_LEN)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->ino = file_inode(region->backing)->i_ino;
		__entry->len = vma->vm_end - vma->vm_start;
		__entry->prot = vma->vm_flags & (VM_READ | VM_WRITE | VM_EXEC);
		__entry->shared = !!(vma->vm_flags & VM_SHARED);
		strscpy(__entry->name, region->path + ASHMEM_PATH_PREFIX_LEN,
			ASHMEM_NAME_LEN);
		/* a newline in a name must not pass for an event of ours */
		strreplace(__entry->name, '\n', '?');
	),
	TP_printk("region=%p ino=%llu len=%llu prot=%u %s name=%s",
		  __entry->region, __entry->ino, __entry->len, __entry->prot,
		  __entry->shared ? "shared" : "private", __entry->name)
);

/* PIN and UNPIN as they were called, in bytes, and what they returned. */
DECLARE_EVENT_CLASS(ashmem_request,
	TP_PROTO(const struct ashmem_region *region, u32 offset, u32 len,
		 int ret),
	TP_ARGS(region, offset, len, ret),
	TP_STRUCT__entry(
		__field(const void *, region)
		__field(u32, offset)
		__field(u32, len)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->offset = offset;
		__entry->len = len;
		__entry->ret = ret;
	),
	TP_printk("region=%p offset=%u len=%u ret=%d", __entry->region,
		  __entry->offset, __entry->len, __entry->ret)
);

DEFINE_EVENT(ashmem_request, ashmem_pin,
	TP_PROTO(const struct ashmem_region *region, u32 offset, u32 len,
		 int ret),
	TP_ARGS(region, offset, len, ret));

DEFINE_EVENT(ashmem_request, ashmem_unpin,
	TP_PROTO(const struct ashmem_region *region, u32 offset, u32 len,
		 int ret),
	TP_ARGS(region, offset, len, ret));

TRACE_EVENT(ashmem_purge_begin,
	TP_PROTO(const struct ashmem_region *region),
	TP_ARGS(region),
	TP_STRUCT__entry(
		__field(const void *, region)
		__field(u64, ino)
		__field(unsigned long, first)
		__field(unsigned long, last)
		__field(unsigned long, pages)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->ino = file_inode(region->backing)->i_ino;
		__entry->first = region->purge_first;
		__entry->last = region->purge_last;
		__entry->pages = region->purge_pages;
	),
	/* @pages may be more than is freed: PURGE_ALL_CACHES counts holes too */
	TP_printk("region=%p ino=%llu first=%lu last=%lu pages=%lu",
		  __entry->region, __entry->ino, __entry->first, __entry->last,
		  __entry->pages)
);

TRACE_EVENT(ashmem_purge_end,
	TP_PROTO(const struct ashmem_region *region),
	TP_ARGS(region),
	TP_STRUCT__entry(
		__field(const void *, region)
		__field(u64, ino)
		__field(unsigned long, pages)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->ino = file_inode(region->backing)->i_ino;
		__entry->pages = region->purge_pages;
		__entry->ns = region->purge_time;
	),
	TP_printk("region=%p ino=%llu pages=%lu ns=%llu", __entry->region,
		  __entry->ino, __entry->pages, __entry->ns)
);

TRACE_EVENT(ashmem_release,
	TP_PROTO(const struct ashmem_region *region),
	TP_ARGS(region),
	TP_STRUCT__entry(
		__field(const void *, region)
		__field(u64, ino)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->ino = region->backing ?
			       file_inode(region->backing)->i_ino : 0;
	),
	TP_printk("region=%p ino=%llu", __entry->region, __entry->ino)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
