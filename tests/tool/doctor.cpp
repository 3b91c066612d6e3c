// SPDX-License-Identifier: Apache-2.0
// `ashmem doctor` on prepared trees: a sound one, and each with one fault.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "tool/tool.hpp"
#include "tool/tree.hpp"

using namespace test;

namespace {

namespace fs = std::filesystem;

// "CONFIG_MODULES=y\nCONFIG_MEMCG=y\n" as gzip -9n writes it
constexpr char config_gz[] =
    "\037\213\010\000\000\000\000\000\002\003\163\366\367\163\363\164\217\367\365\167\011"
    "\365\161\015\266\255\344\162\206\012\270\372\072\273\003\271\000\364\307\300\055\040"
    "\000\000\000";

constexpr char signature[] = "~Module signature appended~\n";

} // namespace

TEST_CASE("doctor finds no fault where all is well", "[tool][host]") {
    const Tree tree;
    const Answer answer = tree.doctor();
    INFO(answer.text);
    CHECK(answer.status == 0);
    CHECK_FALSE(answer.names("failure:"));
    CHECK_FALSE(answer.names("warning:"));
    CHECK(tree.doctor_json().names("\"works\": true"));
}

TEST_CASE("doctor in an empty container cannot tell, beyond the nodes", "[tool][host]") {
    const Tree tree;
    for (const char* const name : {"/proc", "/sys", "/lib", "/boot"})
        tree.remove(name);
    check_warns(tree, "cannot tell: driver");
}

TEST_CASE("doctor refuses a root that is no folder", "[tool][host]") {
    const Answer answer = run_tool({"doctor", "--root", "/nowhere"});
    CHECK(answer.status == 2);
    CHECK(answer.names("'/nowhere' is no folder"));
}

TEST_CASE("doctor names each fault of the driver", "[tool][host]") {
    const Tree tree;
    SECTION("not loaded") {
        tree.write("/proc/misc", "1 other\n");
        tree.remove("/sys/module/ashmem");
        check_fails(tree, "The driver is not loaded.");
        check_fails(tree, "No client would work here.");
    }
    SECTION("loaded without a device") {
        tree.write("/proc/misc", "1 other\n");
        check_fails(tree, "The module is loaded, but has no device.");
    }
    SECTION("no module for the kernel after an upgrade") {
        tree.write("/proc/misc", "");
        tree.remove(Tree::modules("/extra"));
        tree.write("/lib/modules/6.1.0-old/extra/ashmem.ko", "");
        check_fails(tree, "It was built for 6.1.0-old");
    }
    SECTION("no headers") {
        tree.remove(Tree::modules("/build"));
        check_warns(tree, "Install linux-headers-6.12.1-test.");
    }
    SECTION("no alias") {
        tree.write(Tree::modules("/modules.alias"), "");
        check_warns(tree, "modprobe ashmem_linux finds nothing");
    }
    SECTION("not signed under Secure Boot") {
        tree.write("/proc/misc", "");
        tree.write("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
                   std::string("\6\0\0\0\1", 5));
        tree.write("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
        check_fails(tree, "Secure Boot is on, and the module is not signed");
        tree.write(Tree::modules("/extra/ashmem.ko"), signature);
        check_fails(tree, "the module is signed");
    }
    SECTION("not signed where signatures are enforced") {
        tree.write("/proc/misc", "");
        tree.write("/sys/module/module/parameters/sig_enforce", "Y\n");
        check_fails(tree, "Signatures are enforced, and the module is not signed");
    }
    SECTION("no CONFIG_SHMEM") {
        tree.write(Tree::config(), "CONFIG_MODULES=y\nCONFIG_MEMCG=y\n");
        check_fails(tree, "CONFIG_SHMEM is off");
    }
    SECTION("no CONFIG_SHMEM, by the kernel's own compressed list") {
        tree.write("/proc/config.gz", std::string(config_gz, sizeof(config_gz) - 1));
        check_fails(tree, "CONFIG_SHMEM is off");
    }
    SECTION("the original driver") {
        tree.write(Tree::config(), "CONFIG_SHMEM=y\nCONFIG_MEMCG=y\nCONFIG_ASHMEM=y\n");
        check_warns(tree, "CONFIG_ASHMEM is on");
    }
}

TEST_CASE("doctor names each fault of the nodes", "[tool][host]") {
    const Tree tree;
    SECTION("no node") {
        tree.remove(node);
        check_fails(tree, "/dev/ashmem is missing");
        check_fails(tree, "clients that open /dev/ashmem would not.");
    }
    SECTION("no node of the boot id") {
        tree.remove(boot_node);
        check_fails(tree, "The newest libcutils opens this one alone.");
        check_fails(tree, "the newest libcutils would not.");
        CHECK(tree.doctor_json().names("\"plain\": true"));
    }
    SECTION("a link in its place") {
        tree.remove(boot_node);
        fs::create_symlink("ashmem", tree.path(boot_node));
        check_fails(tree, "is a symbolic link");
    }
    SECTION("a file in its place") {
        tree.remove(node);
        tree.write(node, "data");
        check_fails(tree, "/dev/ashmem is no character device");
    }
    SECTION("another number") {
        tree.write("/proc/misc", "77 ashmem\n");
        check_fails(tree, ":77");
    }
    SECTION("a mode for the owner alone") {
        REQUIRE(chmod(tree.path(node).c_str(), 0600) == 0);
        check_warns(tree, "The mode of /dev/ashmem is 0600");
    }
    SECTION("a nodev mount") {
        tree.write("/proc/self/mountinfo", "21 20 0:5 / /dev rw,nodev - tmpfs b rw\n");
        check_fails(tree, "/dev is mounted nodev");
    }
    SECTION("a noexec mount") {
        tree.write("/proc/self/mountinfo", "21 20 0:5 / /dev rw,noexec - tmpfs b rw\n");
        check_warns(tree, "/dev is mounted noexec");
    }
    SECTION("a device cgroup") {
        tree.write("/sys/fs/cgroup/devices/devices.list", "b *:* rwm\nc 1:3 rwm\nc 136:* rwm\n");
        check_fails(tree, "open() answers EPERM");
    }
}

TEST_CASE("doctor names what confines a client, and what memory lacks", "[tool][host]") {
    const Tree tree;
    SECTION("seccomp") {
        tree.write("/proc/self/status", "Seccomp:\t2\n");
        check_warns(tree, "filtered by seccomp");
    }
    SECTION("AppArmor") {
        tree.write("/proc/self/attr/current", "docker-default (enforce)\n");
        check_warns(tree, "by the profile docker-default");
    }
    SECTION("SELinux") {
        tree.write("/proc/self/attr/current", "system_u:system_r:container_t:s0");
        tree.write("/sys/fs/selinux/enforce", "1");
        check_warns(tree, "SELinux confines this process");
    }
    SECTION("waydroid's property") {
        tree.write("/var/lib/waydroid/waydroid.cfg", "[properties]\nsys.use_memfd = true\n");
        check_warns(tree, "sys.use_memfd is set");
    }
    SECTION("no swap") {
        tree.write("/proc/swaps", "Filename Type\n");
        check_warns(tree, "There is no swap");
    }
    SECTION("no memory cgroup") {
        tree.write("/proc/cgroups", "memory 0 1 0\n");
        check_warns(tree, "Memory cgroups are off");
    }
}
