// SPDX-License-Identifier: Apache-2.0
// `ashmem doctor` on what files hold on other machines: other kernels, other distributions,
// containers; and on files that are broken.
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tool/tool.hpp"
#include "tool/tree.hpp"

using namespace test;

namespace {

using Cases =
    std::vector<std::pair<std::string, std::string>>; // what a file holds, and what is said

constexpr char secure_boot[] =
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
constexpr char lockdown[] = "/sys/kernel/security/lockdown";
constexpr char enforce[] = "/sys/module/module/parameters/sig_enforce";

} // namespace

TEST_CASE("doctor knows a driver that is part of the kernel", "[tool][host]") {
    const Tree tree;
    tree.remove("/sys/module/ashmem/initstate");
    tree.write("/sys/module/ashmem/parameters/x", "");
    check_well(tree, "The driver is part of the kernel.");
    tree.remove("/sys/module/ashmem");
    check_well(tree, "The driver is part of the kernel.");
}

TEST_CASE("doctor only warns if the module of a driver that runs is gone", "[tool][host]") {
    const Tree tree;
    tree.remove(Tree::modules("/extra"));
    tree.write("/lib/modules/6.1.0-other/modules.dep", "kernel/fs/ext4.ko:\n");
    check_warns(tree, "There is no module for the running kernel 6.12.1-test.");
    CHECK_FALSE(tree.doctor().names("It was built for"));
}

TEST_CASE("doctor finds the module, its alias and the headers among others", "[tool][host]") {
    const Tree tree;
    tree.remove(Tree::modules("/extra"));
    tree.write(Tree::modules("/kernel/drivers/ashmem.ko.xz"), "");
    tree.write(Tree::modules("/modules.dep"),
               "kernel/fs/ext4.ko: kernel/lib/crc16.ko\nkernel/drivers/ashmem.ko.xz:");
    tree.write(Tree::modules("/modules.alias"),
               "# Aliases\nalias fs-ext4 ext4\nalias ashmem_linux ashmem");
    // as distributions have it: a link that leads from the root
    tree.remove(Tree::modules("/build"));
    tree.link("/usr/src/headers", Tree::modules("/build"));
    tree.write("/usr/src/headers/Makefile", "");
    check_well(tree, "kernel/drivers/ashmem.ko.xz");
}

TEST_CASE("doctor tells what a kernel's options mean with the driver and without", "[tool][host]") {
    const Tree tree;
    const std::string without_modules =
        "# CONFIG_MODULES is not set\nCONFIG_SHMEM=y\nCONFIG_MEMCG=y";
    tree.write(Tree::config(), without_modules);
    check_well(tree, "The kernel has what we need.");
    tree.unload();
    check_fails(tree, "CONFIG_MODULES is off");
    tree.write("/proc/misc", tree.minor_number() + " ashmem\n");
    tree.write(Tree::config(), "CONFIG_SHMEM=y\nCONFIG_MODULES=y\n");
    check_warns(tree, "CONFIG_MEMCG is off");
}

TEST_CASE("doctor reads the options in /boot where the kernel's own are broken", "[tool][host]") {
    const Tree tree;
    for (const std::string& broken :
         {std::string("no gzip"), std::string("\037\213\010"), std::string((4 << 20) + 1, '\0')}) {
        tree.write("/proc/config.gz", broken);
        check_well(tree, "looked at: " + Tree::config());
    }
}

TEST_CASE("doctor finds the driver's numbers among those of others", "[tool][host]") {
    const Tree tree;
    const std::string others = "Character devices:\n\n  1 mem\n 77 alsa\n";
    tree.write("/proc/misc", "\n 59 ashmem other\n x ashmem\n" + tree.minor_number() + " ashmem\n");
    tree.write("/proc/devices", others + tree.major_number() + " misc\n\nBlock devices:\n  8 sd\n");
    check_well(tree, "The node is right");
    tree.write("/proc/devices", others + "99 misc\n\nBlock devices:\n  8 sd\n");
    check_fails(tree, "but the driver has 99:");
}

TEST_CASE("doctor tells a /dev that can't be looked at from one without nodes", "[tool][host]") {
    const Tree tree;
    tree.remove("/dev");
    tree.write("/dev", "no folder");
    check_fails(tree, "/dev/ashmem cannot be looked at: Not a directory");
    CHECK(tree.doctor_json().names("\"works\": false"));
}

TEST_CASE("doctor goes by the mount that is on top of a node", "[tool][host]") {
    const Tree tree;
    const std::string root = "20 1 8:1 / / rw - ext4 a rw\n";
    const std::string dev = "21 20 0:5 / /dev rw,nosuid - devtmpfs b rw\n";
    const std::string over = "22 21 0:6 / /dev rw,nodev - tmpfs c rw\n";
    const std::string sound = root + dev;
    for (const std::string& mounts : {root + over, over + root, sound + over}) {
        tree.write("/proc/self/mountinfo", mounts);
        check_fails(tree, "/dev is mounted nodev");
    }
    // as containers get a device
    tree.write("/proc/self/mountinfo",
               sound + "23 21 0:5 /ashmem /dev/ashmem rw,nodev - devtmpfs b rw\n");
    check_fails(tree, "/dev/ashmem is mounted nodev");
    const std::string elsewhere = "24 21 0:7 / /dev/ashmems rw,nodev - tmpfs d rw\n";
    for (const std::string& mounts : {over + dev, sound + elsewhere, sound + "25 21"}) {
        tree.write("/proc/self/mountinfo", mounts);
        check_well(tree, "/dev allows devices and execution");
    }
}

TEST_CASE("doctor reads which devices a device cgroup allows", "[tool][host]") {
    const Tree tree;
    constexpr char list[] = "/sys/fs/cgroup/devices/devices.list";
    const std::string misc = tree.major_number() + ":";
    for (const std::string& line :
         {std::string("a *:* rwm"), std::string("c *:* rwm"), "c " + misc + "* rw",
          "c " + misc + tree.minor_number() + " rw"}) {
        INFO(line);
        tree.write(list, "c 1:3 rwm\n" + line + "\n");
        check_well(tree, "It allows the device.");
    }
    for (const std::string& line : {std::string("b *:* rwm"), "c " + misc + "* r",
                                    "c " + misc + "*", "c " + misc + "77 rwm"}) {
        INFO(line);
        tree.write(list, "c 1:3 rwm\n" + line + "\n");
        check_fails(tree, "open() answers EPERM");
    }
    tree.unload();
    tree.write(list, "c 10:125 rwm\n");
    check_fails(tree, "open() answers EPERM");
}

TEST_CASE("doctor tells whether a kernel demands signatures, by what there is", "[tool][host]") {
    const Tree tree;
    tree.remove(enforce);
    check_well(tree, "Nothing here tells whether modules must be signed.");
    const std::string off("\6\0\0\0\0", 5);
    for (const auto& [file, text] :
         Cases{{secure_boot, off}, {lockdown, "[none] integrity"}, {enforce, "N\n"}}) {
        tree.write(file, text);
        check_well(tree, "The kernel loads modules without a signature.");
        tree.remove(file);
    }
    // a value of another length is none
    tree.write(secure_boot, "\6");
    tree.write(lockdown, "none integrity [confidentiality]\n");
    check_warns(tree, "The kernel is locked down, and the module is not signed");
    for (const char* const name : {"/extra/ashmem.ko.xz", "/nowhere/ashmem.ko"}) {
        tree.remove(Tree::modules("/extra"));
        tree.write(Tree::modules(name), "");
        check_warns(tree, "It is not here, or compressed.");
    }
}

TEST_CASE("doctor reads the labels of security modules", "[tool][host]") {
    const Tree tree;
    tree.write("/sys/fs/selinux/enforce", "0");
    const std::string nul(1, '\0');
    for (const auto& [label, finding] :
         Cases{{"unconfined_u:unconfined_r:unconfined_t:s0" + nul, "This process is unconfined."},
               {"system_u:system_r:container_t:s0" + nul,
                "SELinux would confine this process as system_u:system_r:container_t:s0."},
               {"\n", "There is no label."}}) {
        tree.write("/proc/self/attr/current", label);
        check_well(tree, finding);
    }
}

TEST_CASE("doctor knows the values by which waydroid is told to use memfds", "[tool][host]") {
    const Tree tree;
    constexpr char file[] = "/var/lib/waydroid/waydroid.prop";
    for (const char* const line : {"sys.use_memfd=1", "sys.use_memfd=true\n"}) {
        tree.write(file, std::string("ro.x=1\n") + line);
        check_warns(tree, "sys.use_memfd is set");
    }
    tree.write(file, "sys.use_memfd=false\n");
    CHECK_FALSE(tree.doctor().names("sys.use_memfd is set"));
}

TEST_CASE("doctor finds the memory controller of both versions of cgroups", "[tool][host]") {
    const Tree tree;
    constexpr char on[] = "A container at its limit purges its own pages.";
    constexpr char controllers[] = "/sys/fs/cgroup/cgroup.controllers";
    const std::string others = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu 0 1 1\n\n";
    tree.write("/proc/cgroups", others + "memory\t4\t62\t1\n");
    check_well(tree, on);
    tree.write("/proc/cgroups", others);
    check_warns(tree, "Memory cgroups are off");
    tree.write(controllers, "cpuset cpu memory pids\n");
    check_well(tree, on);
    tree.write(controllers, "cpuset cpu\n");
    check_warns(tree, "Memory cgroups are off");
    tree.remove("/proc/cgroups");
    check_warns(tree, "Memory cgroups are off");
    tree.remove(controllers);
    check_well(tree, "cannot tell: memory cgroup");
}

TEST_CASE("doctor takes a folder in a file's place for nothing to read", "[tool][host]") {
    const Tree tree;
    tree.remove("/proc/swaps");
    tree.write("/proc/swaps/file", "");
    check_well(tree, "cannot tell: swap");
}

TEST_CASE("what the tool did not foresee is a failure with the system's reason", "[tool][host]") {
    const Answer answer = run_tool({"doctor", "--root", "/" + std::string(5000, 'x')});
    CHECK(answer.status == 1);
    CHECK(answer.errors.starts_with("ashmem: "));
    CHECK(answer.names("File name too long"));
}
