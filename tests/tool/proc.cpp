// SPDX-License-Identifier: Apache-2.0
// `ashmem list` on a /proc of the test's making: what changes while it is read, what other
// drivers and kernels write, and lines that only look like a region's.
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <ashmem/unique_fd.hpp>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "tool/listed.hpp"

using namespace test;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

// A folder that the tool finds in the place of /proc.
class Proc {
public:
    Proc() {
        std::string pattern = fs::temp_directory_path() / "ashmem-proc-XXXXXX";
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        root_ = pattern;
    }
    Proc(const Proc&) = delete;
    Proc& operator=(const Proc&) = delete;
    ~Proc() { fs::remove_all(root_); }

    void write(const std::string& name, const std::string& text) const {
        fs::create_directories(fs::path(path(name)).parent_path());
        std::ofstream(path(name)) << text;
    }
    // a descriptor, with its fdinfo
    void add(const std::string& pid, const std::string& fd, const std::string& target,
             const std::string& info) const {
        write(pid + "/fdinfo/" + fd, info);
        link(pid, fd, target);
    }
    void link(const std::string& pid, const std::string& fd, const std::string& target) const {
        fs::create_directories(path(pid + "/fd"));
        fs::create_symlink(target, path(pid + "/fd/" + fd));
    }
    [[nodiscard]] std::string path(const std::string& name) const { return root_ + "/" + name; }
    [[nodiscard]] json listed() const {
        return list([this] {
            if (unshare(CLONE_NEWNS) != 0 ||
                mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                mount(root_.c_str(), "/proc", nullptr, MS_BIND, nullptr) != 0)
                throw std::runtime_error("no /proc of our own");
        });
    }

private:
    std::string root_;
};

// The device of backing files, as maps shows it.
std::string device() {
    struct stat status {};
    const ashmem::unique_fd file(memfd_create("device", MFD_CLOEXEC));
    REQUIRE(fstat(file.get(), &status) == 0);
    char text[32];
    std::snprintf(text, sizeof(text), "%02x:%02x", major(status.st_dev), minor(status.st_dev));
    return text;
}

// A line of maps or smaps: a page, the inode and the path that follows it.
std::string line(int page, const std::string& rights, const std::string& rest) {
    const std::string at = "7f00000" + std::to_string(page);
    return at + "0000-" + at + "1000 " + rights + " 00000000 " + device() + " " + rest + "\n";
}

} // namespace

TEST_CASE("list takes for regions only maps as the driver makes them", "[tool]") {
    const Proc proc;
    const std::string other_device =
        "7f0000080000-7f0000081000 rw-s 00000000 ff:77 18 /dev/ashmem/other (deleted)\n";
    const std::string cut =
        "7f0000090000-7f0000091000 rw-s 00000000 19 /dev/ashmem/cut (deleted)\n";
    proc.write("42/maps", line(1, "rw-s", "11         /dev/ashmem/good (deleted)") +
                              line(2, "r--s", "12 /dev/ashmem (deleted)") +
                              line(3, "rw-s", "13 /dev/ashmem/on disk") +
                              line(4, "rw-s", "14 /dev/ashmemory (deleted)") +
                              line(5, "rw-s", "0 /dev/ashmem/no inode (deleted)") +
                              line(6, "rws", "16 /dev/ashmem/rights (deleted)") +
                              line(7, "rw-p", "17 [anon:/dev/ashmem/anonymous]") + other_device +
                              cut);
    proc.write("42/fdinfo/none", "");
    const json all = proc.listed();
    CHECK(all.size() == 2);
    CHECK(only(all, "good").at("inode") == 11);
    CHECK(only(all, "dev/ashmem").at("inode") == 12);
}

TEST_CASE("list leaves out descriptors that it can't read or that lack what a region has",
          "[tool]") {
    const Proc proc;
    const std::string region = "pos:\t0\nnothing of ours\nname:\tkept\nsize:\t4096\nprot_mask:\t7";
    // closed meanwhile; no file; without a mask, as the original driver's; ours
    proc.link("42", "3", "/dev/ashmem");
    fs::create_directories(proc.path("42/fdinfo/4"));
    proc.link("42", "4", "/dev/ashmem");
    proc.add("42", "5", "/dev/ashmem", "pos:\t0\nname:\toriginal\nsize:\t4096\n");
    proc.add("42", "6", "/dev/ashmem", region);
    proc.add("42", "7", "/dev/null", "pos:\t0\n");
    // whose folders are not there any more
    proc.link("43", "3", "/dev/ashmem");

    const json row = only(proc.listed(), "kept");
    CHECK(proc.listed().size() == 1);
    CHECK(descriptors_of(row) == std::set<std::string>{"42:6"});
    CHECK(row.at("holders").at(0).at("command") == "?");
    proc.write("42/comm", "a name");
    CHECK(only(proc.listed(), "kept").at("holders").at(0).at("command") == "a name");
}

TEST_CASE("list adds up what a process has of a region whose file it may not look at", "[tool]") {
    const Proc proc;
    const std::string first = line(1, "rw-s", "11 /dev/ashmem/parts (deleted)");
    const std::string again = line(2, "r--s", "11 /dev/ashmem/parts (deleted)");
    const std::string copy = line(3, "rw-p", "11 /dev/ashmem/parts (deleted)");
    const std::string other = line(4, "rw-s", "13 /memfd:other (deleted)");
    const std::string came = line(5, "rw-s", "14 /dev/ashmem/later (deleted)");
    // one that may be looked at, with a page in memory
    const std::string name = line(6, "", "");
    const std::string range = "42/map_files/" + name.substr(0, name.find(' '));
    proc.write(range, std::string(page_size(), 'x'));
    struct stat status {};
    REQUIRE(stat(proc.path(range).c_str(), &status) == 0);
    const std::string seen =
        line(6, "rw-s", std::to_string(status.st_ino) + " /dev/ashmem/seen (deleted)");
    // another file is there by now
    const std::string before = line(1, "", "");
    proc.write("42/map_files/" + before.substr(0, before.find(' ')), "");

    const auto rss = [](int kib) {
        return "Size: 64 kB\nSome-Key: 1 kB\nRss:   " + std::to_string(kib) + " kB\nPss: 1 kB\n";
    };
    proc.write("42/maps", first + again + copy + other + seen);
    proc.write("42/smaps", first + rss(8) + other + rss(1) + again + rss(4) + copy + rss(16) +
                               seen + rss(32) + came + rss(64) + again + other + rss(128));
    fs::create_directories(proc.path("42/fdinfo"));
    const json all = proc.listed();
    INFO(all.dump(1));
    CHECK(only(all, "parts").at("resident") == 12 << 10);
    CHECK(only(all, "seen").at("resident") == status.st_blocks * 512);
    CHECK(only(all, "seen").at("size") == page_size());
    CHECK(all.size() == 2);
}
