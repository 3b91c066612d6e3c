// SPDX-License-Identifier: Apache-2.0
// `ashmem doctor` beside the real driver, in a /dev of its own with one fault.
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <ashmem/unique_fd.hpp>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/cgroup.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"
#include "tool/tool.hpp"
#include "tool/tree.hpp"

using namespace test;

namespace {

constexpr char plain[] = "/dev/ashmem";

std::string this_boots_node() {
    std::string id = read_file("/proc/sys/kernel/random/boot_id");
    return plain + id.substr(0, id.find('\n'));
}

dev_t number() {
    struct stat status {};
    if (stat(plain, &status) != 0) throw std::runtime_error("no node");
    return status.st_rdev;
}

void make_node(const std::string& path, dev_t device, mode_t mode = 0666) {
    if (mknod(path.c_str(), S_IFCHR | mode, device) != 0 || chmod(path.c_str(), mode) != 0)
        throw std::runtime_error("mknod " + path);
}

// A /dev of the calling process's own, with both nodes.
void own_dev(dev_t device, unsigned long flags = 0) {
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) ||
        mount("none", "/dev", "tmpfs", flags, "mode=755"))
        throw std::runtime_error("no /dev of our own");
    make_node(plain, device);
    make_node(this_boots_node(), device);
}

// Attaches a program to a cgroup that refuses every device to those in it.
void allow_no_device(const Cgroup& group) {
    const bpf_insn refuse[] = {{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0},
                               {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    bpf_attr load{};
    load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    load.insns = reinterpret_cast<std::uintptr_t>(refuse);
    load.insn_cnt = sizeof(refuse) / sizeof(*refuse);
    load.license = reinterpret_cast<std::uintptr_t>("GPL");
    const ashmem::unique_fd program(
        static_cast<int>(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load))));
    const ashmem::unique_fd folder(open(group.path().c_str(), O_RDONLY | O_CLOEXEC));
    bpf_attr attach{};
    attach.target_fd = static_cast<std::uint32_t>(folder.get());
    attach.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
    attach.attach_type = BPF_CGROUP_DEVICE;
    REQUIRE(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)) == 0);
}

Answer doctor(const std::function<void()>& spoil, unsigned long flags = 0) {
    const dev_t device = number();
    return run_tool({"doctor"}, [&] {
        umask(0);
        own_dev(device, flags);
        spoil();
    });
}

void check_fails(const Answer& answer, const std::string& cause) {
    INFO(answer.text << answer.errors);
    CHECK(answer.names(cause));
    CHECK(answer.status == 1);
}

} // namespace

TEST_CASE("doctor finds that clients work beside the driver and both nodes", "[tool]") {
    const Answer well = doctor([] {});
    INFO(well.text << well.errors);
    CHECK(well.status == 0);
    CHECK(well.names("Clients would work here."));
    CHECK(doctor(become_nobody).status == 0);
}

TEST_CASE("doctor names what keeps a node of the real driver from working", "[tool]") {
    SECTION("no node") {
        check_fails(doctor([] { unlink(plain); }), "/dev/ashmem is missing");
    }
    SECTION("no node of the boot id") {
        check_fails(doctor([] { unlink(this_boots_node().c_str()); }),
                    this_boots_node() + " is missing");
    }
    SECTION("a node of another number") {
        const dev_t wrong = makedev(major(number()), minor(number()) + 1);
        check_fails(doctor([&] {
                        unlink(plain);
                        make_node(plain, wrong);
                    }),
                    "has the number 10:");
    }
    SECTION("a mode that this user may not open it by") {
        check_fails(doctor([] {
                        chmod(plain, 0600);
                        become_nobody();
                    }),
                    "The mode of /dev/ashmem is 0600");
    }
    SECTION("a nodev mount") {
        check_fails(doctor([] {}, MS_NODEV), "/dev is mounted nodev");
    }
    SECTION("a noexec mount, by which clients work that execute nothing") {
        const Answer answer = doctor([] {}, MS_NOEXEC);
        CHECK(answer.names("/dev is mounted noexec"));
        CHECK(answer.status == 0);
    }
    SECTION("no driver behind it") {
        // of a misc device that is not there, and of a terminal that this process does not have
        for (const dev_t absent : {makedev(10, 253), makedev(5, 0)})
            check_fails(doctor([absent] {
                            setsid();
                            // a list of devices that does not have ours
                            if (mount("/proc/uptime", "/proc/misc", nullptr, MS_BIND, nullptr) != 0)
                                throw std::runtime_error("/proc/misc");
                            unlink(plain);
                            make_node(plain, absent);
                        }),
                        "No driver has its number.");
    }
    SECTION("a device cgroup, as containers have it") {
        const Cgroup group("no-devices");
        allow_no_device(group);
        check_fails(doctor([&] { group.join(); }),
                    "The device cgroup of this container does not allow it.");
    }
    SECTION("a filter of system calls") {
        const Answer answer = doctor([] { refuse_call(-1, 1); });
        CHECK(answer.names("filtered by seccomp"));
    }
}

TEST_CASE("create makes no memfd where there is no driver, or one is asked for", "[tool]") {
    const dev_t device = number();
    const Answer absent = run_tool({"create", "x", "4K", "--", "true"}, [&] {
        own_dev(device);
        unlink(plain);
        unlink(this_boots_node().c_str());
    });
    check_fails(absent, "the device does not open: No such file or directory");
    const Answer memfd = run_tool({"create", "x", "4K", "--", "true"},
                                  [] { setenv("LIBASHMEM_BACKEND", "memfd", 1); });
    check_fails(memfd, "LIBASHMEM_BACKEND asks for a memfd");
}

TEST_CASE("nodes makes what doctor misses, and removes it", "[tool]") {
    const dev_t device = number();
    const auto without = [&] {
        umask(0);
        own_dev(device);
        unlink(this_boots_node().c_str());
    };
    const std::string tool = tool_path();
    const Answer made = run_tool(
        {"create", "x", "4K", "--", "sh", "-c", tool + " nodes add && " + tool + " doctor"},
        without);
    INFO(made.text << made.errors);
    CHECK(made.status == 0);
    CHECK(made.names("Clients would work here."));
    const Answer removed =
        run_tool({"create", "x", "4K", "--", "sh", "-c",
                  tool + " nodes add && " + tool + " nodes remove && " + tool + " doctor"},
                 without);
    check_fails(removed, this_boots_node() + " is missing");
}

TEST_CASE("doctor, create and list work where the node of the boot id is the only one", "[tool]") {
    const dev_t device = number();
    const auto alone = [&] {
        own_dev(device);
        unlink(plain);
    };
    const Answer answer = run_tool({"create", "boot", "4K", "--", tool_path(), "list"}, alone);
    INFO(answer.text << answer.errors);
    CHECK(answer.status == 0);
    CHECK(answer.names("boot"));
}

TEST_CASE("doctor names no other kernel from a folder that it may not list", "[tool]") {
    const Tree tree;
    tree.remove(Tree::modules("/extra"));
    tree.write("/lib/modules/6.1.0-old/extra/ashmem.ko", "");
    REQUIRE(chmod(tree.path("").c_str(), 0755) == 0);
    REQUIRE(chmod(tree.path("/lib/modules").c_str(), 0711) == 0);
    const std::vector<std::string> words = {"doctor", "--root", tree.path("")};
    CHECK(run_tool(words).names("It was built for 6.1.0-old"));
    const Answer answer = run_tool(words, become_nobody);
    INFO(answer.text << answer.errors);
    CHECK(answer.names("There is no module for the running kernel"));
    CHECK_FALSE(answer.names("It was built for"));
}
