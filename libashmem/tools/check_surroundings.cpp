// SPDX-License-Identifier: Apache-2.0
// What confines this process, what Android was told to use, and the machine's memory.
#include "doctor.hpp"
#include "text.hpp"

namespace tool {
namespace {

std::string value_after(const std::string& text, const std::string& key) {
    for (const std::string& line : lines_of(text)) {
        const auto words = words_of(line);
        if (words.size() >= 2 && words[0] == key) return words[1];
    }
    return "";
}

void check_seccomp(const Root& root, Findings& findings) {
    constexpr char file[] = "/proc/self/status";
    const std::string mode = value_after(root.read(file).value_or(""), "Seccomp:");
    if (mode.empty())
        findings.push_back({"seccomp", State::unknown, file, "It does not tell of seccomp.", ""});
    else if (mode == "0")
        findings.push_back({"seccomp", State::ok, file, "System calls are not filtered.", ""});
    else
        findings.push_back(
            {"seccomp", State::warning, file,
             "System calls are filtered by seccomp. The usual profiles allow what "
             "regions need; a profile of your own must allow ioctl, mmap and openat.",
             "If a call answers EPERM, try --security-opt seccomp=unconfined."});
}

void check_security_module(const Root& root, Findings& findings) {
    constexpr char file[] = "/proc/self/attr/current";
    std::string label = root.read(file).value_or("");
    // SELinux ends it with a NUL, AppArmor with a line
    while (!label.empty() && (label.back() == '\n' || label.back() == '\0'))
        label.pop_back();
    if (label.empty()) {
        findings.push_back({"security module", State::unknown, file, "There is no label.", ""});
    } else if (label == "unconfined" || label.find(":unconfined_t:") != std::string::npos) {
        findings.push_back({"security module", State::ok, file, "This process is unconfined.", ""});
    } else if (label.find(':') != std::string::npos) {
        const bool enforced = root.read("/sys/fs/selinux/enforce").value_or("").starts_with('1');
        findings.push_back({"security module", enforced ? State::warning : State::ok,
                            std::string(file) + ", /sys/fs/selinux/enforce",
                            "SELinux " + std::string(enforced ? "confines" : "would confine") +
                                " this process as " + label + ".",
                            enforced ? "If open() answers EACCES: setsebool -P "
                                       "container_use_devices 1, or see ausearch -m avc."
                                     : ""});
    } else {
        findings.push_back({"security module", State::warning, file,
                            "AppArmor confines this process by the profile " + label + ".",
                            "If open() answers EACCES, the profile needs: /dev/ashmem* rw,"});
    }
}

void check_waydroid(const Root& root, Findings& findings) {
    for (const char* const file :
         {"/var/lib/waydroid/waydroid.cfg", "/var/lib/waydroid/waydroid_base.prop",
          "/var/lib/waydroid/waydroid.prop"}) {
        for (const std::string& line : lines_of(root.read(file).value_or(""))) {
            const auto words = words_of(line);
            std::string joined;
            for (const std::string& word : words)
                joined += word;
            if (joined != "sys.use_memfd=true" && joined != "sys.use_memfd=1") continue;
            findings.push_back({"waydroid", State::warning, file,
                                "sys.use_memfd is set: Android uses memfds and not the driver.",
                                "Remove the line, then run waydroid upgrade --offline."});
            return;
        }
    }
}

void check_swap(const Root& root, Findings& findings) {
    const auto swaps = root.read("/proc/swaps");
    if (!swaps)
        findings.push_back({"swap", State::unknown, "/proc/swaps", "It cannot be read here.", ""});
    else if (lines_of(*swaps).size() < 2)
        findings.push_back({"swap", State::warning, "/proc/swaps",
                            "There is no swap: pinned pages stay in memory whatever happens, and "
                            "only unpinned ones make room.",
                            "Add swap, such as zram, if memory runs short."});
    else
        findings.push_back({"swap", State::ok, "/proc/swaps", "Pinned pages can be swapped.", ""});
}

std::optional<bool> memory_cgroup(const Root& root) {
    const auto groups = root.read("/proc/cgroups");
    for (const std::string& line : lines_of(groups.value_or(""))) {
        const auto words = words_of(line);
        if (words.size() == 4 && words[0] == "memory") return words[3] == "1";
    }
    const auto controllers = root.read("/sys/fs/cgroup/cgroup.controllers");
    // newer kernels list in /proc/cgroups those of the first version alone
    if (!controllers) return groups ? std::optional(false) : std::nullopt;
    for (const std::string& word : words_of(*controllers))
        if (word == "memory") return true;
    return false;
}

} // namespace

void check_confinement(const Root& root, Findings& findings) {
    check_seccomp(root, findings);
    check_security_module(root, findings);
    check_waydroid(root, findings);
}

void check_memory(const Root& root, Findings& findings) {
    check_swap(root, findings);
    const std::string files = "/proc/cgroups, /sys/fs/cgroup/cgroup.controllers";
    const auto enabled = memory_cgroup(root);
    if (!enabled)
        findings.push_back({"memory cgroup", State::unknown, files, "They are not here.", ""});
    else if (*enabled)
        findings.push_back({"memory cgroup", State::ok, files,
                            "A container at its limit purges its own pages.", ""});
    else
        findings.push_back({"memory cgroup", State::warning, files,
                            "Memory cgroups are off: pages are purged for the whole machine only.",
                            "Boot with cgroup_enable=memory if containers have limits."});
}

} // namespace tool
