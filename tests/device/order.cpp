// SPDX-License-Identifier: Apache-2.0
// The order of purging: what was unpinned first goes first, from its lower end.
//
// Reclaim is made to purge everything, which takes a while, and the order is observed
// meanwhile: by what is still there at which time.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/watch.hpp"

using namespace test;

namespace {

// Several times what reclaim asks for in one go.
constexpr std::size_t lot = 1024;

// Pages in lots, each with one after it that is never unpinned. Calls must succeed.
class Lots {
public:
    explicit Lots(std::size_t lots, std::size_t pages = lot)
        : pages_(pages),
          region_(Region::of_pages(lots * (pages + 1))),
          map_(region_.map_pages(lots * (pages + 1))),
          held_(map_) {
        map_.fill(1);
    }

    // all pinned, and every page holds something
    void renew() const {
        must(region_.pin(0, 0) >= 0);
        map_.fill(1);
    }
    void unpin(std::size_t number) const { unpin_part(first(number), pages_); }
    void pin(std::size_t number) const { pin_part(first(number), pages_); }
    void unpin_part(std::size_t from, std::size_t count) const {
        must(region_.unpin_pages(from, count) == 0);
    }
    void pin_part(std::size_t from, std::size_t count) const {
        must(region_.pin_pages(from, count) == ASHMEM_NOT_PURGED);
    }

    [[nodiscard]] std::size_t first(std::size_t number) const { return number * (pages_ + 1); }
    [[nodiscard]] Piece piece(std::size_t number) const { return part(first(number), pages_); }
    [[nodiscard]] Piece part(std::size_t from, std::size_t count) const {
        return {&held_, from, count};
    }

private:
    static void must(bool done) {
        if (!done) throw std::runtime_error("PIN or UNPIN failed");
    }

    std::size_t pages_;
    Region region_;
    Map map_;
    Held held_;
};

// Reclaims until a piece is gone, since reclaim skips what is busy at the moment.
void reclaim_until_gone(const Piece& last) {
    for (int i = 0; i < 20 && !last.wholly_gone(); ++i)
        write_file("/proc/sys/vm/drop_caches", "2");
}

// Calls a function that unpins pieces anew and returns them in their order, and reclaims,
// until the order was seen so many times. If the machine stops for longer than reclaim waits
// for a punch, it may rarely show another order.
void check_order(int times, const std::function<std::vector<Piece>(int)>& unpin) {
    for (int round = 0; round < times; ++round) {
        Seen order{};
        int broken = 0;
        for (int i = 0; i < 20 && broken < 3 && !order.kept; ++i) {
            const std::vector<Piece> pieces = unpin(round);
            order = watch(pieces, [&] { reclaim_until_gone(pieces.back()); });
            if (order.outlived) ++broken;
            INFO("round " << round << ", piece " << order.outlived << " of " << pieces.size()
                          << " outlived half of the next");
            CHECK(broken < 3);
        }
        REQUIRE(order.kept);
    }
}

} // namespace

TEST_CASE("reclaim takes regions in the order of unpinning, not of creation",
          "[device][race][aimed]") {
    Lots a(1), b(1);
    check_order(6, [&](int round) -> std::vector<Piece> {
        Lots &older = round % 2 ? a : b, &younger = round % 2 ? b : a;
        older.renew();
        younger.renew();
        older.unpin(0);
        younger.unpin(0);
        return {older.piece(0), younger.piece(0)};
    });
}

TEST_CASE("reclaim takes a region's ranges in the order of unpinning, not of place",
          "[device][race][aimed]") {
    Lots a(2);
    check_order(6, [&](int round) -> std::vector<Piece> {
        const std::size_t older = round % 2 ? 0 : 1, younger = 1 - older;
        a.renew();
        a.unpin(older);
        a.unpin(younger);
        return {a.piece(older), a.piece(younger)};
    });
}

TEST_CASE("reclaim takes a range from its lower end", "[device][race][aimed]") {
    Lots a(1, 2 * lot);
    check_order(4, [&](int) -> std::vector<Piece> {
        a.renew();
        a.unpin(0);
        return {a.part(0, lot), a.part(lot, lot)};
    });
}

TEST_CASE("both parts of a range that PIN split keep its age", "[device][race][aimed]") {
    Lots a(1, 2 * lot), b(1);
    check_order(4, [&](int) -> std::vector<Piece> {
        a.renew();
        b.renew();
        a.unpin(0);
        b.unpin(0);
        a.pin_part(lot, 1);
        return {a.part(0, lot), a.part(lot + 1, lot - 1), b.piece(0)};
    });
}

TEST_CASE("pages that touch an older range are not as old as it", "[device][race][aimed]") {
    Lots a(1, 2 * lot), b(1);
    check_order(4, [&](int) -> std::vector<Piece> {
        a.renew();
        b.renew();
        a.unpin_part(0, lot);
        b.unpin(0);
        a.unpin_part(lot, lot);
        return {a.part(0, lot), b.piece(0), a.part(lot, lot)};
    });
}

TEST_CASE("a range that UNPIN makes larger becomes the youngest", "[device][race][aimed]") {
    Lots a(1, 2 * lot), b(1);
    check_order(4, [&](int) -> std::vector<Piece> {
        a.renew();
        b.renew();
        a.unpin_part(0, lot);
        b.unpin(0);
        a.unpin_part(lot / 2, 3 * lot / 2);
        return {b.piece(0), a.piece(0)};
    });
}

TEST_CASE("UNPIN of what is unpinned makes nothing younger", "[device][race][aimed]") {
    Lots a(1), b(1);
    check_order(4, [&](int) -> std::vector<Piece> {
        a.renew();
        b.renew();
        a.unpin(0);
        b.unpin(0);
        a.unpin(0);
        a.unpin_part(lot / 4, lot / 4);
        return {a.piece(0), b.piece(0)};
    });
}

namespace {

// Random calls for lots of several regions, and the order that they make by the rules.
class Shuffle {
public:
    explicit Shuffle(unsigned seed) : random_(seed) {
        for (int i = 0; i < 3; ++i)
            regions_.push_back(std::make_unique<Lots>(per_region, lot / 2));
    }

    void run(int calls) {
        for (; calls > 0; --calls)
            call(draw(3 * per_region - 1));
        // or there would be no order
        for (std::size_t number = 0; number < 3 * per_region; number += per_region)
            unpin(number);
    }

    [[nodiscard]] std::vector<Piece> in_order() const {
        std::vector<Piece> pieces;
        for (std::size_t number : order_)
            pieces.push_back(piece(number));
        return pieces;
    }
    [[nodiscard]] bool pinned_kept() const {
        for (std::size_t number = 0; number < 3 * per_region; ++number) {
            if (std::count(order_.begin(), order_.end(), number) > 0) continue;
            if (piece(number).half_gone() || piece(number).wholly_gone()) return false;
        }
        return true;
    }
    [[nodiscard]] std::string log() const { return log_.str(); }

private:
    static constexpr std::size_t per_region = 3;

    std::size_t draw(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit)(random_);
    }
    [[nodiscard]] const Lots& lots(std::size_t number) const {
        return *regions_[number / per_region];
    }
    [[nodiscard]] Piece piece(std::size_t number) const {
        return lots(number).piece(number % per_region);
    }

    void call(std::size_t number) {
        switch (draw(5)) {
            case 0:
                return pin(number);
            case 1:
                return pin_one(number);
            default:
                return unpin(number);
        }
    }

    void unpin(std::size_t number) {
        log_ << "unpin " << number << '\n';
        lots(number).unpin(number % per_region);
        // nothing changes for one that is unpinned as a whole; parts are merged
        if (!whole_.insert(number).second) return;
        std::erase(order_, number);
        order_.push_back(number);
    }

    void pin(std::size_t number) {
        log_ << "pin " << number << '\n';
        lots(number).pin(number % per_region);
        std::erase(order_, number);
        whole_.erase(number);
    }

    // splits it near its lower end, away from the pages that are looked at
    void pin_one(std::size_t number) {
        log_ << "pin one page of " << number << '\n';
        lots(number).pin_part(lots(number).first(number % per_region) + lot / 16, 1);
        whole_.erase(number);
    }

    std::mt19937 random_;
    std::vector<std::unique_ptr<Lots>> regions_;
    std::vector<std::size_t> order_;
    std::set<std::size_t> whole_;
    std::ostringstream log_;
};

void reclaim_random(unsigned seed) {
    std::unique_ptr<Shuffle> shuffle;
    INFO("replay with ASHMEM_TEST_SEED=" << seed);
    check_order(1, [&](int) {
        shuffle = std::make_unique<Shuffle>(seed);
        shuffle->run(16);
        return shuffle->in_order();
    });
    INFO(shuffle->log());
    CHECK(shuffle->pinned_kept());
}

} // namespace

TEST_CASE("reclaim keeps the order that random calls make, of seeds known and new",
          "[device][race][aimed]") {
    if (const char* given = std::getenv("ASHMEM_TEST_SEED"))
        return reclaim_random(static_cast<unsigned>(std::stoul(given)));
    for (unsigned seed = 1; seed <= 6; ++seed)
        reclaim_random(seed);
    const unsigned from = std::random_device{}();
    for (int i = 0; i < std::min(rounds(40), 12); ++i)
        reclaim_random(from + static_cast<unsigned>(i));
}
