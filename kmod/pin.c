// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN, UNPIN and GET_PIN_STATUS: from bytes that a user gave to pages.
 *
 * A request is checked under the same lock under which it is carried out. An
 * interval that turns out to be needed is allocated outside that lock, which
 * reclaim wants, and the request is checked again from the start.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include "ashmem.h"

/**
 * struct request - a range as the user gave it, and what came of it
 * @offset: first byte
 * @len: bytes, 0 for all up to the end
 * @first: first page, once checked
 * @count: pages, once checked; 0 for the empty range at the very end
 * @purge: number of the purge that PIN has to wait for
 */
struct request {
	u32 offset;
	u32 len;
	unsigned long first;
	unsigned long count;
	unsigned int purge;
};

static unsigned long request_last(const struct request *req)
{
	return req->first + req->count - 1;
}

/*
 * All in 64 bits: a region may be larger than the 4 GiB that @offset and @len
 * can express, and a length of 0 reaches its end all the same.
 */
static int request_check(struct ashmem_region *region, struct request *req)
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
 * Takes the pages out of reach of further purges, and notes which one, if any,
 * is still to be waited for.
 */
static int pin_locked(struct ashmem_region *region, struct request *req,
		      struct ashmem_range **spare)
{
	unsigned long last = request_last(req);

	req->purge = ashmem_purge_overlaps(region, req->first, last) ?
		     region->purges_begun : region->purges_done;
	return ashmem_range_pin(region, req->first, last, spare);
}

static int unpin_locked(struct ashmem_region *region, struct request *req,
			struct ashmem_range **spare)
{
	/*
	 * A purge zeroes what every holder sees. Who may not write may not
	 * bring that about either; unpinning is advice, so it is not an error.
	 */
	if (!(region->prot_mask & PROT_WRITE))
		return 0;
	return ashmem_range_unpin(region, req->first, request_last(req), spare);
}

typedef int request_fn(struct ashmem_region *region, struct request *req,
		       struct ashmem_range **spare);

/* Checks a request and carries it out, with an interval if it wants one. */
static int request_run(struct ashmem_region *region, struct request *req,
		       request_fn *run)
{
	struct ashmem_range *spare = NULL;
	int ret;

	for (;;) {
		mutex_lock(&region->lock);
		ret = request_check(region, req);
		if (!ret && req->count)
			ret = run(region, req, &spare);
		mutex_unlock(&region->lock);

		if (ret != -EAGAIN)
			break;
		/* charged to the memory cgroup of the caller */
		spare = ashmem_range_alloc(GFP_KERNEL_ACCOUNT);
		if (!spare)
			return -ENOMEM;
	}
	ashmem_range_free(spare);
	return ret;
}

/**
 * ashmem_pin - keep pages from being purged
 * @region: the region
 * @offset: first byte, page-aligned
 * @len: bytes, page-aligned; 0 for all up to the end
 *
 * Return: ASHMEM_WAS_PURGED if any of the pages was purged since it was
 * unpinned, else ASHMEM_NOT_PURGED; -EINVAL before the first map or for a
 * range that is unaligned or passes the page-rounded size; -ENOMEM;
 * -ERESTARTSYS if the caller was killed while a purge of these pages ended.
 */
int ashmem_pin(struct ashmem_region *region, u32 offset, u32 len)
{
	struct request req = { .offset = offset, .len = len };
	int ret, killed;

	ret = request_run(region, &req, pin_locked);
	if (ret < 0 || !req.count)
		return ret;
	killed = wait_event_killable(region->purge_wait,
				     ashmem_purge_ended(region, req.purge));
	return killed ?: ret;
}

/**
 * ashmem_unpin - let pages be purged when memory is short
 * @region: the region
 * @offset: first byte, page-aligned
 * @len: bytes, page-aligned; 0 for all up to the end
 *
 * Without PROT_WRITE in the mask it checks its arguments and does nothing.
 *
 * Return: 0; -EINVAL as ashmem_pin(); -ENOMEM, also for a region that has as
 * many separate ranges as a region may have.
 */
int ashmem_unpin(struct ashmem_region *region, u32 offset, u32 len)
{
	struct request req = { .offset = offset, .len = len };

	return request_run(region, &req, unpin_locked);
}

/**
 * ashmem_pin_status - are all pages of a range pinned
 * @region: the region
 * @offset: first byte, page-aligned
 * @len: bytes, page-aligned; 0 for all up to the end
 *
 * Return: ASHMEM_IS_PINNED or ASHMEM_IS_UNPINNED; -EINVAL as ashmem_pin().
 */
int ashmem_pin_status(struct ashmem_region *region, u32 offset, u32 len)
{
	struct request req = { .offset = offset, .len = len };
	int ret;

	mutex_lock(&region->lock);
	ret = request_check(region, &req);
	if (!ret)
		ret = req.count && ashmem_range_any(region, req.first,
						    request_last(&req)) ?
		      ASHMEM_IS_UNPINNED : ASHMEM_IS_PINNED;
	mutex_unlock(&region->lock);
	return ret;
}
