// SPDX-License-Identifier: Apache-2.0
// A region by direct system calls, for the tests of the driver.
//
// Every call returns the kernel's answer: a value from 0 up, or an errno as a negative
// number, so that an assertion is one comparison.
#pragma once

#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace test {

std::size_t page_size();

inline constexpr int rw = PROT_READ | PROT_WRITE;
inline constexpr int rwx = PROT_READ | PROT_WRITE | PROT_EXEC;

// -errno for a call that answered -1, else its answer
long outcome(long ret);

// mmap's answer as an outcome; what was mapped is unmapped at once
long try_map(int fd, std::size_t length, int prot = rw, int flags = MAP_SHARED, off_t offset = 0);

class Map {
public:
    Map(int fd, std::size_t length, int prot = rw, int flags = MAP_SHARED, off_t offset = 0);
    Map(Map&& other) noexcept;
    Map& operator=(Map&&) = delete;
    ~Map();

    [[nodiscard]] volatile unsigned char* data() const { return data_; }
    [[nodiscard]] void* address() const { return const_cast<unsigned char*>(data_); }
    [[nodiscard]] std::size_t size() const { return length_; }
    volatile unsigned char& operator[](std::size_t i) const { return data_[i]; }

    void fill(unsigned char byte) const { fill(0, length_, byte); }
    void fill(std::size_t from, std::size_t length, unsigned char byte) const;
    [[nodiscard]] bool holds(unsigned char byte) const { return holds(0, length_, byte); }
    [[nodiscard]] bool holds(std::size_t from, std::size_t length, unsigned char byte) const;

    // its line of /proc/self/maps, "" if there is none
    [[nodiscard]] std::string maps_line() const;
    void unmap();

private:
    unsigned char* data_;
    std::size_t length_;
};

class Region {
public:
    explicit Region(int flags = O_RDWR | O_CLOEXEC);
    // a new region of a size, by pages
    static Region of_pages(std::size_t pages);
    // takes over a descriptor
    struct Adopt {
        int fd;
    };
    explicit Region(Adopt adopt) : fd_(adopt.fd) {}
    Region(Region&& other) noexcept;
    Region& operator=(Region&&) = delete;
    ~Region();

    [[nodiscard]] int fd() const { return fd_; }
    void close();

    long ioctl(unsigned long command, unsigned long argument = 0) const;
    long ioctl(unsigned long command, const void* argument) const;

    long set_name(const char* name) const { return ioctl(ASHMEM_SET_NAME, name); }
    [[nodiscard]] std::string name() const;
    long set_size(std::size_t size) const { return ioctl(ASHMEM_SET_SIZE, size); }
    long size() const { return ioctl(ASHMEM_GET_SIZE); }
    long set_mask(unsigned long prot) const { return ioctl(ASHMEM_SET_PROT_MASK, prot); }
    long mask() const { return ioctl(ASHMEM_GET_PROT_MASK); }
    long pin(std::uint32_t offset, std::uint32_t length) const;
    long unpin(std::uint32_t offset, std::uint32_t length) const;
    long status(std::uint32_t offset, std::uint32_t length) const;
    // the same by page numbers
    long pin_pages(std::size_t first, std::size_t count = 1) const;
    long unpin_pages(std::size_t first, std::size_t count = 1) const;
    long status_pages(std::size_t first, std::size_t count = 1) const;
    long purge_all() const { return ioctl(ASHMEM_PURGE_ALL_CACHES); }

    [[nodiscard]] Map map(std::size_t length, int prot = rw, int flags = MAP_SHARED,
                          off_t offset = 0) const {
        return Map(fd_, length, prot, flags, offset);
    }
    [[nodiscard]] Map map_pages(std::size_t pages, int prot = rw) const {
        return Map(fd_, pages * page_size(), prot);
    }
    long try_map(std::size_t length, int prot = rw, int flags = MAP_SHARED,
                 off_t offset = 0) const {
        return test::try_map(fd_, length, prot, flags, offset);
    }

    // the lines of /proc/self/fdinfo, by what stands before the colon
    [[nodiscard]] std::map<std::string, std::string> fdinfo() const;
    [[nodiscard]] std::uint64_t fdinfo_number(const std::string& key) const;

private:
    long ioctl_pin(unsigned long command, std::uint32_t offset, std::uint32_t length) const;

    int fd_;
};

// Two pages of memory, the second without access: an overrun of the first is detected.
class EdgePage {
public:
    EdgePage();
    EdgePage(const EdgePage&) = delete;
    EdgePage& operator=(const EdgePage&) = delete;
    ~EdgePage();
    // the last bytes before the edge
    [[nodiscard]] char* last(std::size_t bytes) const;

private:
    char* page_;
};

} // namespace test
