// SPDX-License-Identifier: Apache-2.0
// Makes a tree in a temporary folder, as /proc, /sys and /lib of a sound machine are.
#include "tool/tree.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace test {
namespace {

namespace fs = std::filesystem;

constexpr char release[] = "6.12.1-test";

// Whether this user may make any node there, or that of number 0:0 only.
bool may_make_nodes(const std::string& path) {
    const bool may = mknod(path.c_str(), S_IFCHR | 0666, makedev(10, 125)) == 0;
    fs::remove(path);
    return may;
}

void make_node(const std::string& path, dev_t number) {
    REQUIRE(mknod(path.c_str(), S_IFCHR | 0666, number) == 0);
    REQUIRE(chmod(path.c_str(), 0666) == 0);
}

} // namespace

Tree::Tree() {
    std::string pattern = fs::temp_directory_path() / "ashmem-doctor-XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    write("/proc/sys/kernel/osrelease", std::string(release) + "\n");
    write("/proc/sys/kernel/random/boot_id", std::string(boot_node).substr(11) + "\n");
    write("/sys/module/ashmem/initstate", "live\n");
    write(modules("/extra/ashmem.ko"), "code");
    write(modules("/build/Makefile"), "");
    write(modules("/modules.dep"), "extra/ashmem.ko:\n");
    write(modules("/modules.alias"), "alias ashmem_linux ashmem\n");
    write("/sys/module/module/parameters/sig_enforce", "N\n");
    write(config(), "CONFIG_SHMEM=y\nCONFIG_MODULES=y\nCONFIG_MEMCG=y\n");
    write("/proc/self/mountinfo",
          "20 1 8:1 / / rw - ext4 a rw\n21 20 0:5 / /dev rw,nosuid - devtmpfs b rw\n");
    write("/proc/self/status", "Seccomp:\t0\n");
    write("/proc/self/attr/current", "unconfined\n");
    write("/proc/swaps", "Filename Type\n/dev/sda2 partition\n");
    write("/proc/cgroups", "memory 0 1 1\n");
    make_nodes();
}

Tree::~Tree() {
    fs::remove_all(root_);
}

std::string Tree::modules(const std::string& name) {
    return std::string("/lib/modules/") + release + name;
}

std::string Tree::config() {
    return std::string("/boot/config-") + release;
}

void Tree::write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(root_ + name).parent_path());
    std::ofstream(root_ + name, std::ios::binary) << text;
}

void Tree::remove(const std::string& name) const {
    fs::remove_all(root_ + name);
}

void Tree::link(const std::string& target, const std::string& name) const {
    fs::create_symlink(target, root_ + name);
}

void Tree::unload() const {
    write("/proc/misc", "1 other\n");
    remove("/sys/module/ashmem");
}

void Tree::make_nodes() {
    fs::create_directories(root_ + "/dev");
    if (!may_make_nodes(root_ + node)) major_ = minor_ = 0;
    write("/proc/devices", " " + major_number() + " misc\n");
    write("/proc/misc", minor_number() + " ashmem\n");
    for (const char* const name : {node, boot_node})
        make_node(root_ + name, makedev(major_, minor_));
}

namespace {

Answer check_says(const Tree& tree, const std::string& text, int status) {
    Answer answer = tree.doctor();
    INFO(answer.text << answer.errors);
    CHECK(answer.names(text));
    CHECK(answer.status == status);
    return answer;
}

} // namespace

void check_fails(const Tree& tree, const std::string& cause) {
    check_says(tree, cause, 1);
}

void check_warns(const Tree& tree, const std::string& cause) {
    check_says(tree, cause, 0);
}

void check_well(const Tree& tree, const std::string& finding) {
    const Answer answer = check_says(tree, finding, 0);
    INFO(answer.text);
    CHECK_FALSE(answer.names("failure:"));
    CHECK_FALSE(answer.names("warning:"));
}

} // namespace test
