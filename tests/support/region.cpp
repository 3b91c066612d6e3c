// SPDX-License-Identifier: Apache-2.0
// The system calls on a region, its maps and its fdinfo.
#include "region.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace test {

std::size_t page_size() {
    static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return size;
}

long outcome(long ret) {
    return ret == -1 ? -errno : ret;
}

long try_map(int fd, std::size_t length, int prot, int flags, off_t offset) {
    void* address = mmap(nullptr, length, prot, flags, fd, offset);
    if (address == MAP_FAILED) return -errno;
    munmap(address, length);
    return 0;
}

Map::Map(int fd, std::size_t length, int prot, int flags, off_t offset)
    : data_(static_cast<unsigned char*>(mmap(nullptr, length, prot, flags, fd, offset))),
      length_(length) {
    if (data_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
}

Map::Map(Map&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), length_(other.length_) {}

Map::~Map() {
    unmap();
}

void Map::unmap() {
    if (data_) munmap(data_, length_);
    data_ = nullptr;
}

void Map::fill(std::size_t from, std::size_t length, unsigned char byte) const {
    std::memset(data_ + from, byte, length);
}

bool Map::holds(std::size_t from, std::size_t length, unsigned char byte) const {
    for (std::size_t i = from; i < from + length; ++i)
        if (data_[i] != byte) return false;
    return true;
}

std::string Map::maps_line() const {
    std::ifstream maps("/proc/self/maps");
    std::ostringstream start;
    start << std::hex << reinterpret_cast<std::uintptr_t>(data_) << '-';
    for (std::string line; std::getline(maps, line);)
        if (line.find(start.str()) != std::string::npos) return line;
    return {};
}

Region::Region(int flags) : fd_(open("/dev/ashmem", flags)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "open /dev/ashmem");
}

Region Region::of_pages(std::size_t pages) {
    Region region;
    if (region.set_size(pages * page_size()) != 0) throw std::runtime_error("SET_SIZE failed");
    return region;
}

Region::Region(Region&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Region::~Region() {
    close();
}

void Region::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

long Region::ioctl(unsigned long command, unsigned long argument) const {
    return outcome(::ioctl(fd_, command, argument));
}

long Region::ioctl(unsigned long command, const void* argument) const {
    return outcome(::ioctl(fd_, command, argument));
}

std::string Region::name() const {
    char name[ASHMEM_NAME_LEN] = {};
    if (ioctl(ASHMEM_GET_NAME, &name) != 0) throw std::runtime_error("GET_NAME failed");
    return name;
}

long Region::ioctl_pin(unsigned long command, std::uint32_t offset, std::uint32_t length) const {
    const ashmem_pin range{offset, length};
    return ioctl(command, &range);
}

long Region::pin(std::uint32_t offset, std::uint32_t length) const {
    return ioctl_pin(ASHMEM_PIN, offset, length);
}

long Region::unpin(std::uint32_t offset, std::uint32_t length) const {
    return ioctl_pin(ASHMEM_UNPIN, offset, length);
}

long Region::status(std::uint32_t offset, std::uint32_t length) const {
    return ioctl_pin(ASHMEM_GET_PIN_STATUS, offset, length);
}

// a page beyond what a pin can name must not silently become another one
static std::uint32_t bytes(std::size_t pages) {
    const std::uint64_t bytes = std::uint64_t{pages} * page_size();
    if (bytes > UINT32_MAX) throw std::out_of_range("no offset of 32 bits names this page");
    return static_cast<std::uint32_t>(bytes);
}

long Region::pin_pages(std::size_t first, std::size_t count) const {
    return pin(bytes(first), bytes(count));
}

long Region::unpin_pages(std::size_t first, std::size_t count) const {
    return unpin(bytes(first), bytes(count));
}

long Region::status_pages(std::size_t first, std::size_t count) const {
    return status(bytes(first), bytes(count));
}

std::map<std::string, std::string> Region::fdinfo() const {
    std::ifstream file("/proc/self/fdinfo/" + std::to_string(fd_));
    std::map<std::string, std::string> lines;
    for (std::string line; std::getline(file, line);) {
        const auto colon = line.find(":\t");
        if (colon != std::string::npos) lines[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return lines;
}

std::uint64_t Region::fdinfo_number(const std::string& key) const {
    return std::stoull(fdinfo().at(key));
}

EdgePage::EdgePage()
    : page_(static_cast<char*>(
          mmap(nullptr, 2 * page_size(), rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0))) {
    if (page_ == MAP_FAILED || mprotect(page_ + page_size(), page_size(), PROT_NONE) != 0)
        throw std::system_error(errno, std::generic_category(), "edge page");
}

EdgePage::~EdgePage() {
    munmap(page_, 2 * page_size());
}

char* EdgePage::last(std::size_t bytes) const {
    return page_ + page_size() - bytes;
}

} // namespace test
