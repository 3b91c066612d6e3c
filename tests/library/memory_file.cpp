// SPDX-License-Identifier: Apache-2.0
// MemoryFile, with the cases of Android's MemoryFileTest.
#include <ashmem/ashmem.h>
#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ashmem/ashmem.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <climits>
#include <thread>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"
#include "support/sockets.hpp"

using ashmem::MemoryFile;

namespace {

template <class Call>
int error_of(Call call) {
    std::error_code ec;
    call(ec);
    return ec.value();
}

std::array<std::byte, 16> numbers() {
    std::array<std::byte, 16> all{};
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = static_cast<std::byte>(200 + i);
    return all;
}

} // namespace

TEST_CASE("a MemoryFile keeps what is written at an offset", "[library][anywhere]") {
    MemoryFile file("file", 1000);
    CHECK(file.length() == 1000);
    const auto data = numbers();
    file.writeBytes(data, 4, 990, 10);
    std::array<std::byte, 16> read{};
    CHECK(file.readBytes(read, 990, 6, 10) == 10);
    CHECK(std::equal(read.begin() + 6, read.end(), data.begin() + 4, data.begin() + 14));
    CHECK(file.readBytes(read, 0, 0, 16) == 16);
    CHECK(read == std::array<std::byte, 16>{});
    CHECK(file.readBytes(read, 1000, 0, 0) == 0);
    file.writeBytes({}, 0, 1000, 0);
}

TEST_CASE("a MemoryFile of no length or less is EINVAL", "[library][anywhere]") {
    for (int length : {0, -512}) {
        std::error_code ec;
        const MemoryFile file("x", length, ec);
        CHECK(ec.value() == EINVAL);
        CHECK(file.length() == 0);
        CHECK_THROWS_AS(MemoryFile("x", length), std::system_error);
    }
}

TEST_CASE("a MemoryFile that gets no descriptor is EMFILE, and closed", "[library][anywhere]") {
    CHECK(test::in_child([] {
              std::error_code ec;
              const MemoryFile first("x", 1, ec);
              if (ec || first.getFd() < 0) return 1;
              test::leave_numbers(0);
              const MemoryFile second("x", 1, ec);
              return ec.value() == EMFILE && second.getFd() == -1 ? 0 : 2;
          }) == 0);
}

TEST_CASE("a MemoryFile's ranges are bound by its length and the buffer's", "[library][anywhere]") {
    MemoryFile file("file", 100);
    std::array<std::byte, 16> buffer{};
    for (auto [source, destination, count] : {std::tuple{-1, 0, 1},
                                              {0, -1, 1},
                                              {0, 0, -1},
                                              {0, 0, 17},
                                              {0, 10, 7},
                                              {90, 0, 11},
                                              {101, 0, 0},
                                              {INT_MAX, 0, 1},
                                              {0, 1, INT_MAX}}) {
        INFO(source << ' ' << destination << ' ' << count);
        CHECK(error_of([&, s = source, d = destination, c = count](auto& ec) {
                  file.readBytes(buffer, s, d, c, ec);
              }) == EINVAL);
        CHECK(error_of([&, s = source, d = destination, c = count](auto& ec) {
                  file.writeBytes(buffer, d, s, c, ec);
              }) == EINVAL);
    }
    CHECK_THROWS_AS(file.writeBytes(buffer, 0, 99, 2), std::system_error);
}

TEST_CASE("a closed MemoryFile is EBADF, and closes twice", "[library][anywhere]") {
    MemoryFile file("file", 100);
    file.close();
    file.close();
    std::array<std::byte, 1> byte{};
    CHECK(error_of([&](auto& ec) { file.readBytes(byte, 0, 0, 1, ec); }) == EBADF);
    CHECK(error_of([&](auto& ec) { file.writeBytes(byte, 0, 0, 1, ec); }) == EBADF);
    CHECK(error_of([&](auto& ec) { file.allowPurging(true, ec); }) == EBADF);
    CHECK(file.getFd() == -1);
    CHECK(file.length() == 100);
}

TEST_CASE("a MemoryFile that was moved is closed, and may get another", "[library][anywhere]") {
    MemoryFile file("file", 100);
    const auto data = numbers();
    file.writeBytes(data, 0, 84, 16);
    const int fd = file.getFd();
    MemoryFile moved(std::move(file));
    CHECK(moved.getFd() == fd);
    CHECK(moved.length() == 100);

    std::array<std::byte, 16> read{};
    // NOLINTBEGIN(*-move,*.Move): what it answers then is the claim
    CHECK(error_of([&](auto& ec) { file.readBytes(read, 0, 0, 1, ec); }) == EBADF);
    CHECK(error_of([&](auto& ec) { file.writeBytes(read, 0, 0, 0, ec); }) == EBADF);
    CHECK(error_of([&](auto& ec) { file.allowPurging(true, ec); }) == EBADF);
    CHECK_FALSE(file.isPurgingAllowed());
    CHECK(file.getFd() == -1);
    CHECK(file.length() == 0);
    file.close();
    // NOLINTEND(*-move,*.Move)

    file = MemoryFile("other", 10);
    CHECK(file.length() == 10);
    file = std::move(moved);
    CHECK(file.readBytes(read, 84, 0, 16) == 16);
    CHECK(read == data);
}

TEST_CASE("allowPurging answers what held before", "[library][anywhere]") {
    MemoryFile file("file", 100);
    CHECK_FALSE(file.isPurgingAllowed());
    CHECK_FALSE(file.allowPurging(true));
    CHECK(file.isPurgingAllowed());
    CHECK(file.allowPurging(true));
    const auto data = numbers();
    file.writeBytes(data, 0, 0, 16);
    std::array<std::byte, 16> read{};
    CHECK(file.readBytes(read, 0, 0, 16) == 16);
    CHECK(read == data);
    CHECK(file.allowPurging(false));
    CHECK_FALSE(file.isPurgingAllowed());
}

TEST_CASE("a purged MemoryFile is ENODATA, and then a file of zeros", "[device][library]") {
    MemoryFile file("file", 100);
    const auto data = numbers();
    file.writeBytes(data, 0, 0, 16);
    file.allowPurging(true);
    REQUIRE(ashmem_purge_all_caches(file.getFd()) > 0);
    std::array<std::byte, 16> read{};
    CHECK(error_of([&](auto& ec) { file.readBytes(read, 0, 0, 16, ec); }) == ENODATA);
    CHECK(file.readBytes(read, 0, 0, 16) == 16);
    CHECK(read == std::array<std::byte, 16>{});
    REQUIRE(ashmem_purge_all_caches(file.getFd()) > 0);
    CHECK(error_of([&](auto& ec) { file.allowPurging(false, ec); }) == ENODATA);
    CHECK_FALSE(file.isPurgingAllowed());
}

TEST_CASE("a MemoryFile that can't be pinned is not read, and may still be purged",
          "[device][library]") {
    MemoryFile file("file", 100);
    file.writeBytes(numbers(), 0, 0, 16);
    file.allowPurging(true);
    CHECK(test::in_child([&] {
              test::refuse_call(SYS_ioctl, ENOMEM, static_cast<std::uint32_t>(ASHMEM_PIN));
              std::array<std::byte, 16> read{};
              if (error_of([&](auto& ec) { file.readBytes(read, 0, 0, 16, ec); }) != ENOMEM)
                  return 1;
              if (read != std::array<std::byte, 16>{}) return 2;
              if (error_of([&](auto& ec) { file.allowPurging(false, ec); }) != ENOMEM) return 3;
              return file.isPurgingAllowed() ? 0 : 4;
          }) == 0);
}

// Under ThreadSanitizer bytes that are not guarded are a race.
TEST_CASE("threads that use a MemoryFile see each other's writes as a whole",
          "[library][anywhere]") {
    constexpr int length = 20000;
    MemoryFile file("file", length);
    std::atomic<bool> done{false};
    std::thread writer([&] {
        std::vector<std::byte> bytes(length);
        for (unsigned char value = 0; !done; ++value) {
            std::ranges::fill(bytes, std::byte{value});
            file.writeBytes(bytes, 0, 0, length);
        }
    });
    int mixed = 0;
    std::vector<std::byte> read(length);
    for (int i = 0; i < test::rounds(2000); ++i) {
        file.readBytes(read, 0, 0, length);
        if (std::ranges::count(read, read[0]) != length) ++mixed;
    }
    done = true;
    writer.join();
    CHECK(mixed == 0);
}

TEST_CASE("a MemoryFile that may be purged is read as a whole or not at all", "[device][library]") {
    constexpr int length = 1 << 20;
    MemoryFile file("file", length);
    const std::vector<std::byte> bytes(length, std::byte{7});
    const auto any = ashmem::Region::create("any", 1);
    test::Child purger([&] {
        alarm(300);
        while (ashmem_purge_all_caches(any.fd()) >= 0)
            continue;
        return 1;
    });
    file.allowPurging(true);
    int broken = 0;
    std::vector<std::byte> read(length);
    for (int i = 0; i < 200; ++i) {
        std::error_code ec;
        file.writeBytes(bytes, 0, 0, length, ec);
        file.readBytes(read, 0, 0, length, ec);
        // a purge that the write found is told by it, and leaves zeros
        if (!ec && std::ranges::count(read, read[0]) != length) ++broken;
    }
    CHECK(purger.running());
    CHECK(broken == 0);
}

TEST_CASE("a thousand MemoryFiles made and closed leave nothing", "[library][anywhere]") {
    const int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(before);
    for (int i = 0; i < 1025; ++i) {
        MemoryFile file("leak-test", 5 << 20);
        if (i % 2) file.close();
    }
    const int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(after);
    CHECK(after == before);
    CHECK(test::read_file("/proc/self/maps").find("leak-test") == std::string::npos);
}

TEST_CASE("a MemoryFile over a received descriptor shows the same bytes", "[library][anywhere]") {
    MemoryFile file("file", 100);
    MemoryFile same(ashmem::unique_fd(fcntl(file.getFd(), F_DUPFD_CLOEXEC, 0)));
    const auto data = numbers();
    file.writeBytes(data, 0, 84, 16);
    std::array<std::byte, 16> read{};
    same.readBytes(read, 84, 0, 16);
    CHECK(read == data);
    CHECK(same.length() == 100);
    const auto null = [] { return ashmem::unique_fd(open("/dev/null", O_RDWR | O_CLOEXEC)); };
    CHECK(error_of([&](auto& ec) { MemoryFile(null(), ec); }) == EINVAL);
    CHECK_THROWS_AS(MemoryFile(null()), std::system_error);
}

TEST_CASE("a received region that is read-only or longer than an int is no MemoryFile",
          "[library][anywhere]") {
    auto read_only = ashmem::Region::create("read-only", 100);
    read_only.set_protection(ashmem::Prot::read);
    auto large = ashmem::Region::create("large", std::size_t{3} << 30);
    CHECK(MemoryFile::getSize(large.fd()) == -1);
    for (const auto& [region, error] : {std::pair{&read_only, EPERM}, {&large, EINVAL}}) {
        const auto copy = [fd = region->fd()] {
            return ashmem::unique_fd(fcntl(fd, F_DUPFD_CLOEXEC, 0));
        };
        std::error_code ec;
        const MemoryFile file(copy(), ec);
        CHECK(ec.value() == error);
        CHECK(file.getFd() == -1);
        CHECK_THROWS_AS(MemoryFile(copy()), std::system_error);
    }
}

TEST_CASE("getSize and isMemoryFile know a region from other files", "[library][anywhere]") {
    MemoryFile file("file", 100);
    CHECK(MemoryFile::isMemoryFile(file.getFd()));
    CHECK(MemoryFile::getSize(file.getFd()) == 100);
    const ashmem::unique_fd other(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    for (int fd : {-1, other.get()}) {
        CHECK_FALSE(MemoryFile::isMemoryFile(fd));
        CHECK(MemoryFile::getSize(fd) == -1);
    }
}
