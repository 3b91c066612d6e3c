// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN, UNPIN and GET_PIN_STATUS: convert the user's bytes to pages.
 *
 * A request is checked and carried out under the same lock. If it needs a range
 * object, the object is allocated outside that lock, since the allocation may
 * enter reclaim, which tries the lock; the object becomes the region's spare. A
 * request that meets many ranges releases the lock after each batch. What it
 * has done by then stays done, as if it had been two requests.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include "ashmem.h"
#include "trace.h"

/**
 * struct pin_request - a range as the user gave it, and its outcome
 * @offset: first byte
 * @len: bytes, 0 for all up to the end
 * @first: first page, once checked
 * @count: pages, once checked; 0 for the empty range at the very end
 * @may_split: PIN may leave two ranges where there was one
 * @purged: PIN met pages that were purged
 * @overlaps: PIN has to wait for a purge under way
 * @purge: the number of that purge
 */
struct pin_request {
	u32 offset;
	u32 len;
	unsigned long first;
	unsigned long count;
	bool may_split;
	bool purged;
	bool overlaps;
	unsigned int purge;
};

static unsigned long request_last(const struct pin_request *req)
{
	return req->first + req->count - 1;
}

/*
 * All in 64 bits: a region may be larger than the 4 GiB that @offset and @len
 * can express, and a length of 0 reaches its end all the same.
 */
static int request_check(struct ashmem_region *region, struct pin_request *req)
{
	u64 size = PAGE_ALIGN((u64)region->size);
	u64 bytes;

	lockdep_assert_held(&region->lock);

	if (!region->backing || req->offset > size)
		return -EINVAL;
	bytes = req->len ?: size - req->offset;
	if (!PAGE_ALIGNED(req->offset) || !PAGE_ALIGNED(bytes))
		return -EINVAL;
	if (bytes > size - req->offset)
		return -EINVAL;
	req->first = req->offset >> PAGE_SHIFT;
	req->count = bytes >> PAGE_SHIFT;
	return 0;
}

/*
 * Removes the pages from the set, so that no further purge takes them, and then
 * notes which purge under way overlaps.
 */
static int pin_locked(struct ashmem_region *region, struct pin_request *req)
{
	unsigned long last = request_last(req);
	int ret;

	ret = ashmem_range_pin(region, req->first, last, req->may_split,
			       &req->purged);
	if (ret)
		return ret;
	req->overlaps = ashmem_purge_overlaps(region, req->first, last);
	req->purge = region->purges_begun;
	return 0;
}

static int unpin_locked(struct ashmem_region *region, struct pin_request *req)
{
	unsigned long last = request_last(req);
	int ret;

	/*
	 * A purge zeroes what every holder sees, so a region that nobody may
	 * write must not be purged either. UNPIN is advice: this is no error.
	 */
	if (!(region->prot_mask & PROT_WRITE))
		return 0;
	ret = ashmem_range_unpin(region, &req->first, last);
	req->count = last - req->first + 1;
	return ret;
}

/* Allocates the range that a request needs. */
static int request_get_spare(struct ashmem_region *region,
			     struct pin_request *req)
{
	struct ashmem_range *range = ashmem_range_alloc(region);

	if (range) {
		mutex_lock(&region->lock);
		ashmem_range_set_spare(region, range);
		mutex_unlock(&region->lock);
		return 0;
	}
	/* PIN never fails for lack of memory: it does without */
	if (!req->may_split)
		return -ENOMEM;
	req->may_split = false;
	return 0;
}

typedef int request_fn(struct ashmem_region *region, struct pin_request *req);

/* Checks a request and carries it out, with a new range if it needs one. */
static int request_run(struct ashmem_region *region, struct pin_request *req,
		       request_fn *run)
{
	int ret;

	mutex_lock(&region->lock);
	/* what it checks is frozen once it has succeeded */
	ret = request_check(region, req);
	while (!ret && req->count) {
		ret = run(region, req);
		if (ret != -EAGAIN && ret != -ENOBUFS)
			break;
		mutex_unlock(&region->lock);
		ret = ret == -ENOBUFS ? request_get_spare(region, req) : 0;
		cond_resched();
		mutex_lock(&region->lock);
	}
	mutex_unlock(&region->lock);
	return ret;
}

/**
 * ashmem_pin - keep pages from being purged
 * @region: the region
 * @offset: first byte, page-aligned
 * @len: bytes, page-aligned; 0 for all up to the end
 *
 * If a range has to be split, but the region is at its limit of ranges or
 * memory is short, the smaller of its remainders is pinned as well.
 *
 * Return: ASHMEM_WAS_PURGED if any of the pages was purged since it was
 * unpinned, else ASHMEM_NOT_PURGED; -EINVAL before the first map or for a
 * range that is unaligned or passes the page-rounded size; -ERESTARTSYS if the
 * caller was killed while a purge of these pages ended.
 */
int ashmem_pin(struct ashmem_region *region, u32 offset, u32 len)
{
	struct pin_request req = { .offset = offset, .len = len,
				   .may_split = true };
	int ret;

	ret = request_run(region, &req, pin_locked);
	if (!ret && req.overlaps)
		ret = wait_event_killable(region->purge_wait,
					  ashmem_purge_ended(region,
							     req.purge));
	if (!ret)
		ret = req.purged ? ASHMEM_WAS_PURGED : ASHMEM_NOT_PURGED;
	trace_ashmem_pin(region, offset, len, ret);
	return ret;
}

/**
 * ashmem_unpin - let pages be purged when memory is short
 * @region: the region
 * @offset: first byte, page-aligned
 * @len: bytes, page-aligned; 0 for all up to the end
 *
 * Without PROT_WRITE in the mask it checks its arguments and does nothing.
 *
 * Return: 0; -EINVAL as ashmem_pin(); -ENOMEM, also for a region at its limit
 * of ranges.
 */
int ashmem_unpin(struct ashmem_region *region, u32 offset, u32 len)
{
	struct pin_request req = { .offset = offset, .len = len };
	int ret = request_run(region, &req, unpin_locked);

	trace_ashmem_unpin(region, offset, len, ret);
	return ret;
}

/**
 * ashmem_pin_status - whether all pages of a range are pinned
 * @region: the region
 * @offset: first byte, page-aligned
 * @len: bytes, page-aligned; 0 for all up to the end
 *
 * Return: ASHMEM_IS_PINNED or ASHMEM_IS_UNPINNED; -EINVAL as ashmem_pin().
 */
int ashmem_pin_status(struct ashmem_region *region, u32 offset, u32 len)
{
	struct pin_request req = { .offset = offset, .len = len };
	int ret;

	mutex_lock(&region->lock);
	ret = request_check(region, &req);
	if (!ret)
		ret = req.count && ashmem_range_first(region, req.first,
						      request_last(&req)) ?
		      ASHMEM_IS_UNPINNED : ASHMEM_IS_PINNED;
	mutex_unlock(&region->lock);
	return ret;
}
