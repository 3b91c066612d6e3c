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
 * struct pages - a checked request
 * @first: first page
 * @count: pages, 0 for the empty range at the very end
 */
struct pages {
	unsigned long first;
	unsigned long count;
};

static unsigned long pages_last(const struct pages *pages)
{
	return pages->first + pages->count - 1;
}

/*
 * All in 64 bits: a region may be larger than the 4 GiB that @offset and @len
 * can express, and a length of 0 reaches its end all the same.
 */
static int pin_check(struct ashmem_region *region, u32 offset, u32 len,
		     struct pages *pages)
{
	u64 size = PAGE_ALIGN((u64)region->size);
	u64 bytes;

	lockdep_assert_held(&region->lock);

	if (!region->backing || offset > size)
		return -EINVAL;
	bytes = len ?: size - offset;
	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(bytes))
		return -EINVAL;
	if (bytes > size - offset)
		return -EINVAL;
	pages->first = offset >> PAGE_SHIFT;
	pages->count = bytes >> PAGE_SHIFT;
	return 0;
}

/*
 * Takes the pages out of reach of further purges, and tells in @purge which
 * one, if any, is still to be waited for.
 */
static int pin_locked(struct ashmem_region *region, u32 offset, u32 len,
		      unsigned int *purge, struct ashmem_range **spare)
{
	struct pages pages;
	int ret;

	*purge = region->purges_done;
	ret = pin_check(region, offset, len, &pages);
	if (ret || !pages.count)
		return ret;
	if (ashmem_purge_overlaps(region, pages.first, pages_last(&pages)))
		*purge = region->purges_begun;
	return ashmem_range_pin(region, pages.first, pages_last(&pages), spare);
}

static int unpin_locked(struct ashmem_region *region, u32 offset, u32 len,
			struct ashmem_range **spare)
{
	struct pages pages;
	int ret;

	ret = pin_check(region, offset, len, &pages);
	if (ret || !pages.count)
		return ret;
	/*
	 * A purge zeroes what every holder sees. Who may not write may not
	 * bring that about either; unpinning is advice, so it is not an error.
	 */
	if (!(region->prot_mask & PROT_WRITE))
		return 0;
	return ashmem_range_unpin(region, pages.first, pages_last(&pages),
				  spare);
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
	struct ashmem_range *spare = NULL;
	unsigned int purge;
	int ret, killed;

	for (;;) {
		mutex_lock(&region->lock);
		ret = pin_locked(region, offset, len, &purge, &spare);
		mutex_unlock(&region->lock);

		if (ret != -EAGAIN)
			break;
		spare = ashmem_range_alloc(GFP_KERNEL_ACCOUNT);
		if (!spare)
			return -ENOMEM;
	}
	ashmem_range_free(spare);
	if (ret < 0)
		return ret;
	killed = wait_event_killable(region->purge_wait,
				     ashmem_purge_ended(region, purge));
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
	struct ashmem_range *spare = NULL;
	int ret;

	for (;;) {
		mutex_lock(&region->lock);
		ret = unpin_locked(region, offset, len, &spare);
		mutex_unlock(&region->lock);

		if (ret != -EAGAIN)
			break;
		/* charged to the memory cgroup of who unpins */
		spare = ashmem_range_alloc(GFP_KERNEL_ACCOUNT);
		if (!spare)
			return -ENOMEM;
	}
	ashmem_range_free(spare);
	return ret;
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
	struct pages pages;
	int ret;

	mutex_lock(&region->lock);
	ret = pin_check(region, offset, len, &pages);
	if (!ret)
		ret = pages.count && ashmem_range_any(region, pages.first,
						      pages_last(&pages)) ?
		      ASHMEM_IS_UNPINNED : ASHMEM_IS_PINNED;
	mutex_unlock(&region->lock);
	return ret;
}
