// SPDX-License-Identifier: Apache-2.0
// Ranges against a model: random sequences of UNPIN, PIN, GET_PIN_STATUS,
// writes and purges, every answer and every byte compared.
//
// The model follows the documented rules with plain lists, without the driver's
// structures. ASHMEM_TEST_SEED=n replays a failing sequence.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <list>
#include <random>
#include <sstream>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

struct Interval {
    std::size_t first, last;
    bool purged;
    unsigned age;
};

class Model {
public:
    explicit Model(std::size_t pages) : bytes_(pages, 0) {}

    void unpin(std::size_t first, std::size_t last) {
        for (const auto& i : ranges_)
            if (i.first <= first && i.last >= last) return;
        if (!overlaps(first, last) && extend_youngest(first, last)) return;
        Interval merged{first, last, false, 0};
        for (auto i = ranges_.begin(); i != ranges_.end();) {
            if (i->first > last || i->last < first) {
                ++i;
                continue;
            }
            merged.first = std::min(merged.first, i->first);
            merged.last = std::max(merged.last, i->last);
            merged.purged |= i->purged;
            i = ranges_.erase(i);
        }
        if (!merged.purged) merged.age = ++clock_;
        ranges_.push_back(merged);
    }

    long pin(std::size_t first, std::size_t last) {
        bool purged = false;
        for (auto i = ranges_.begin(); i != ranges_.end();) {
            if (i->first > last || i->last < first) {
                ++i;
                continue;
            }
            purged |= i->purged;
            Interval below = *i, above = *i;
            below.last = first - 1;
            above.first = last + 1;
            const bool has_below = i->first<first, has_above = i->last> last;
            i = ranges_.erase(i);
            if (has_below) ranges_.insert(i, below);
            if (has_above) ranges_.insert(i, above);
        }
        return purged ? ASHMEM_WAS_PURGED : ASHMEM_NOT_PURGED;
    }

    bool overlaps(std::size_t first, std::size_t last) const {
        for (const auto& i : ranges_)
            if (i.first <= last && i.last >= first) return true;
        return false;
    }

    long purge_all() {
        long pages = 0;
        for (auto& i : ranges_) {
            if (i.purged) continue;
            pages += static_cast<long>(i.last - i.first + 1);
            i.purged = true;
            for (std::size_t page = i.first; page <= i.last; ++page)
                bytes_[page] = 0;
        }
        return pages;
    }

    void write(std::size_t page, unsigned char byte) { bytes_[page] = byte; }
    unsigned char byte(std::size_t page) const { return bytes_[page]; }

    std::size_t pages(bool purged_only) const {
        std::size_t sum = 0;
        for (const auto& i : ranges_)
            if (i.purged || !purged_only) sum += i.last - i.first + 1;
        return sum;
    }

private:
    // pages right above the range that was unpinned just before join it
    bool extend_youngest(std::size_t first, std::size_t last) {
        for (auto& i : ranges_) {
            if (i.purged || i.age != clock_ || i.last + 1 != first) continue;
            i.last = last;
            return true;
        }
        return false;
    }

    unsigned clock_ = 0;
    std::list<Interval> ranges_;
    std::vector<unsigned char> bytes_;
};

class Sequence {
public:
    Sequence(unsigned seed, std::size_t pages)
        : random_(seed),
          pages_(pages),
          region_(Region::of_pages(pages)),
          map_(region_.map_pages(pages)),
          model_(pages) {}

    // false at the first difference, which is then the last line of log()
    bool run(int steps) {
        for (int i = 0; i < steps; ++i)
            if (!step()) return false;
        return same_memory();
    }
    std::string log() const { return log_.str(); }

private:
    std::size_t draw(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit)(random_);
    }

    bool same(const char* call, std::size_t first, std::size_t last, long seen, long expected) {
        log_ << call << ' ' << first << ".." << last << " = " << seen;
        if (seen != expected) log_ << " instead of " << expected;
        log_ << '\n';
        return seen == expected;
    }

    bool step() {
        const std::size_t first = draw(pages_ - 1);
        const std::size_t last = std::min(pages_ - 1, first + draw(draw(3) ? 4 : pages_));
        switch (draw(9)) {
            case 0:
            case 1:
            case 2:
            case 3:
                model_.unpin(first, last);
                return same("unpin", first, last, region_.unpin_pages(first, last - first + 1),
                            0) &&
                       same_counts();
            case 4:
            case 5:
            case 6:
                return same("pin", first, last, region_.pin_pages(first, last - first + 1),
                            model_.pin(first, last)) &&
                       same_counts();
            case 7:
                return same("status", first, last, region_.status_pages(first, last - first + 1),
                            model_.overlaps(first, last) ? ASHMEM_IS_UNPINNED : ASHMEM_IS_PINNED);
            case 8:
                for (std::size_t page = first; page <= last; ++page) {
                    const auto byte = static_cast<unsigned char>(draw(255));
                    map_[page * page_size()] = byte;
                    model_.write(page, byte);
                }
                return true;
            default:
                if (draw(2)) return true;
                return same("purge", 0, 0, region_.purge_all(), model_.purge_all()) &&
                       same_counts();
        }
    }

    bool same_counts() {
        auto lines = region_.fdinfo();
        const auto bytes = [](std::size_t pages) { return std::to_string(pages * page_size()); };
        if (lines["unpinned"] == bytes(model_.pages(false)) &&
            lines["purged"] == bytes(model_.pages(true)))
            return true;
        log_ << "fdinfo: unpinned " << lines["unpinned"] << " instead of "
             << bytes(model_.pages(false)) << ", purged " << lines["purged"] << " instead of "
             << bytes(model_.pages(true)) << '\n';
        return false;
    }

    bool same_memory() {
        for (std::size_t page = 0; page < pages_; ++page) {
            if (map_[page * page_size()] == model_.byte(page)) continue;
            log_ << "page " << page << " holds " << +map_[page * page_size()] << " instead of "
                 << +model_.byte(page) << '\n';
            return false;
        }
        return true;
    }

    std::mt19937 random_;
    std::size_t pages_;
    Region region_;
    Map map_;
    Model model_;
    std::ostringstream log_;
};

void run_sequences(int count, std::size_t pages, int steps) {
    const char* given = std::getenv("ASHMEM_TEST_SEED");
    const unsigned from = given ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
    if (given) count = 1;
    std::cout << "# seeds " << from << " to " << from + count - 1 << std::endl;
    for (int i = 0; i < count; ++i) {
        const unsigned seed = from + static_cast<unsigned>(i);
        Sequence sequence(seed, pages);
        const bool same = sequence.run(steps);
        INFO("replay with ASHMEM_TEST_SEED=" << seed << '\n' << sequence.log());
        REQUIRE(same);
    }
}

} // namespace

TEST_CASE("3000 random sequences over 12 pages answer as the model", "[device][model]") {
    run_sequences(rounds(3000), 12, 40);
}

TEST_CASE("300 random sequences over 200 pages answer as the model", "[device][model]") {
    run_sequences(rounds(300), 200, 200);
}

TEST_CASE("a long random sequence over 4000 pages answers as the model", "[device][model]") {
    run_sequences(rounds(2), 4000, rounds(8000));
}
