// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so: functions that move bytes, on regions, on other files, on neither.
#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

// The names are libc's; those without 64 are called by programs that know of no large files.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
ssize_t __read_chk(int fd, void* to, size_t size, size_t room);
ssize_t __pread_chk(int fd, void* to, size_t size, off_t offset, size_t room);
ssize_t plain_pwritev(int fd, const iovec* parts, int count, off_t offset) __asm__("pwritev");
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

iovec part(std::string& bytes) {
    return {bytes.data(), bytes.size()};
}

// A file that is no region, with some bytes.
struct File {
    explicit File(const std::string& bytes = "") : fd(memfd_create("file", MFD_CLOEXEC)) {
        REQUIRE(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { close(fd); }
    [[nodiscard]] std::string bytes() const {
        std::array<char, 100> all{};
        const ssize_t got = pread(fd, all.data(), all.size(), 0);
        return {all.data(), static_cast<std::size_t>(got)};
    }
    int fd;
};

struct Pipe {
    Pipe() { REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(ends[0]);
        close(ends[1]);
    }
    [[nodiscard]] std::string bytes() const {
        std::array<char, 100> all{};
        const ssize_t got = read(ends[0], all.data(), all.size());
        return {all.data(), static_cast<std::size_t>(got)};
    }
    int ends[2]{};
};

// by every function that writes at all, "x"
std::vector<std::function<long(int)>> writers() {
    static std::string byte = "x";
    static const iovec one = part(byte);
    return {
        [](int fd) { return outcome(write(fd, "x", 1)); },
        [](int fd) { return outcome(pwrite(fd, "x", 1, 0)); },
        [](int fd) { return outcome(writev(fd, &one, 1)); },
        [](int fd) { return outcome(pwritev(fd, &one, 1, 0)); },
        [](int fd) { return outcome(plain_pwritev(fd, &one, 1, 0)); },
        [](int fd) { return outcome(pwritev2(fd, &one, 1, 0, 0)); },
        [](int fd) { return outcome(dprintf(fd, "x")); },
    };
}

// 0, or why there is no such stream
int opens_stream(int fd, const char* mode) {
    const int number = dup(fd);
    if (std::FILE* const stream = fdopen(number, mode)) return std::fclose(stream);
    const int error = errno;
    close(number);
    return error;
}

// and by every one that reads, a byte
std::vector<std::function<long(int)>> readers() {
    static std::string byte = "?";
    static const iovec one = part(byte);
    return {
        [](int fd) { return outcome(read(fd, byte.data(), 1)); },
        [](int fd) { return outcome(pread(fd, byte.data(), 1, 0)); },
        [](int fd) { return outcome(readv(fd, &one, 1)); },
        [](int fd) { return outcome(preadv(fd, &one, 1, 0)); },
        [](int fd) { return outcome(preadv2(fd, &one, 1, 0, 0)); },
        [](int fd) { return outcome(__read_chk(fd, byte.data(), 1, 1)); },
        [](int fd) { return outcome(__pread_chk(fd, byte.data(), 1, 0, 1)); },
    };
}

} // namespace

TEST_CASE("every function that writes is refused by a region, and works on another file",
          "[preload]") {
    const Region region = Region::of_pages(1), readable(O_RDONLY | O_CLOEXEC);
    const Map map = region.map_pages(1);
    for (const auto& write_byte : writers()) {
        const File file;
        CHECK(write_byte(region.fd()) == -EINVAL);
        CHECK(write_byte(readable.fd()) == -EBADF);
        CHECK(write_byte(-1) == -EBADF);
        CHECK(write_byte(file.fd) == 1);
        CHECK(file.bytes() == "x");
    }
    CHECK(map.holds(0));
}

TEST_CASE("every function that reads, reads regions and other files", "[preload]") {
    const Region region = Region::of_pages(1), writable(O_WRONLY | O_CLOEXEC);
    const Map map = region.map_pages(1);
    const File file("xxxxxxxxxx");
    REQUIRE(lseek(file.fd, 0, SEEK_SET) == 0);
    REQUIRE(writable.set_size(page_size()) == 0);
    for (const auto& read_byte : readers()) {
        CHECK(read_byte(region.fd()) == 1);
        CHECK(read_byte(writable.fd()) == -EBADF);
        CHECK(read_byte(-1) == -EBADF);
        CHECK(read_byte(file.fd) == 1);
    }
}

TEST_CASE("a read of more than the room that a program was compiled with ends it", "[preload]") {
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    for (const bool at_position : {true, false})
        CHECK(in_child([&] {
                  char byte = 0;
                  close(STDERR_FILENO); // libc says why
                  return static_cast<int>(at_position ? __read_chk(region.fd(), &byte, 2, 1)
                                                      : __pread_chk(region.fd(), &byte, 2, 0, 1));
              }) == 128 + SIGABRT);
}

TEST_CASE("a read that can't be completed tells how far it came", "[preload]") {
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    map.fill('a');
    const EdgePage edge;
    std::array<char, 4> bytes{};
    const iovec beyond{edge.last(0), 4}, half{edge.last(2), 4}, whole{bytes.data(), bytes.size()};
    const iovec first_bad[] = {beyond, whole}, second_bad[] = {whole, beyond, whole},
                partly_bad[] = {whole, half, whole};
    CHECK(outcome(preadv(region.fd(), first_bad, 2, 0)) == -EFAULT);
    CHECK(preadv(region.fd(), second_bad, 3, 0) == 4);
    CHECK(preadv(region.fd(), partly_bad, 3, 0) == 6);
    CHECK(outcome(preadv(region.fd(), &whole, 1, -2)) == -EINVAL);
    // the position is where the bytes ended
    CHECK(readv(region.fd(), second_bad, 3) == 4);
    CHECK(lseek(region.fd(), 0, SEEK_CUR) == 4);
    CHECK(outcome(readv(region.fd(), first_bad, 2)) == -EFAULT);
    CHECK(lseek(region.fd(), 0, SEEK_CUR) == 4);
}

TEST_CASE("bytes are moved between files as ever, and never from or to a region", "[preload]") {
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    const File from("abc"), to;
    const Pipe pipe;
    off64_t at = 0;
    CHECK(splice(from.fd, &at, pipe.ends[1], nullptr, 3, 0) == 3);
    CHECK(pipe.bytes() == "abc");
    off_t sent = 1;
    CHECK(sendfile(pipe.ends[1], from.fd, &sent, 2) == 2);
    CHECK(pipe.bytes() == "bc");
    off64_t to_at = 0;
    at = 0;
    CHECK(copy_file_range(from.fd, &at, to.fd, &to_at, 3, 0) == 3);
    CHECK(to.bytes() == "abc");

    REQUIRE(write(pipe.ends[1], "def", 3) == 3);
    for (const bool into : {false, true}) {
        const int source = into ? from.fd : region.fd(), target = into ? region.fd() : to.fd;
        const int end = into ? pipe.ends[0] : region.fd();
        const int other = into ? region.fd() : pipe.ends[1];
        CHECK(outcome(splice(end, nullptr, other, nullptr, 1, 0)) == -EINVAL);
        CHECK(outcome(sendfile(target, source, nullptr, 1)) == -EINVAL);
        at = to_at = 0;
        CHECK(outcome(copy_file_range(source, &at, target, &to_at, 1, 0)) == -EINVAL);
    }
    CHECK(pipe.bytes() == "def");
    CHECK(map.holds(0));
}

TEST_CASE("a stream of a region seeks in it", "[preload]") {
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    map[100] = 'x';
    map[page_size() - 1] = 'y';
    std::FILE* const stream = fdopen(dup(region.fd()), "r");
    REQUIRE(stream != nullptr);
    CHECK(std::fseek(stream, 100, SEEK_SET) == 0);
    CHECK(std::fgetc(stream) == 'x');
    CHECK(std::ftell(stream) == 101);
    CHECK(std::fseek(stream, -1, SEEK_END) == 0);
    CHECK(std::fgetc(stream) == 'y');
    CHECK(outcome(std::fseek(stream, -1, SEEK_SET)) == -EINVAL);
    std::fclose(stream);
}

TEST_CASE("a stream does what its descriptor may, as of any file", "[preload]") {
    for (const int rights : {O_RDONLY, O_WRONLY, O_RDWR}) {
        const Region region(rights | O_CLOEXEC);
        const File file;
        const int other = open(("/proc/self/fd/" + std::to_string(file.fd)).c_str(), rights);
        REQUIRE(other >= 0);
        for (const char* const mode : {"r", "w", "a", "r+", "w+", "a+", "x"}) {
            CAPTURE(rights, mode);
            CHECK(opens_stream(region.fd(), mode) == opens_stream(other, mode));
        }
        close(other);
    }
}
