// SPDX-License-Identifier: Apache-2.0
// The driver: is it there, could it be loaded, and what does the kernel lack.
#include "doctor.hpp"
#include "files.hpp"
#include "gunzip.hpp"
#include "text.hpp"

namespace tool {
namespace {

/** Another kernel that has the module, "" if there is none. */
std::string other_release(const Root& root, const std::string& running) {
    for (const std::string& release : root.names("/lib/modules"))
        if (release != running && !root.module_file(release).empty()) return release;
    return "";
}

/** Whether there is a Makefile at the end of a link that may lead from the root. */
bool has_headers(const Root& root, const std::string& folder) {
    const std::string target = read_link(root.path(folder));
    return root.exists((target.starts_with('/') ? target : folder) + "/Makefile");
}

void check_headers(const Root& root, const std::string& release, Findings& findings) {
    const std::string build = "/lib/modules/" + release + "/build";
    if (has_headers(root, build))
        findings.push_back(
            {"headers", State::ok, build, "The kernel's headers are installed.", ""});
    else
        findings.push_back({"headers", State::warning, build,
                            "The headers of kernel " + release +
                                " are not installed, so no module can be built for it.",
                            "Install linux-headers-" + release + "."});
}

void check_alias(const Root& root, const std::string& release, Findings& findings) {
    const std::string file = "/lib/modules/" + release + "/modules.alias";
    for (const std::string& line : lines_of(root.read(file).value_or(""))) {
        if (line != "alias ashmem_linux ashmem") continue;
        findings.push_back(
            {"alias", State::ok, file, "modprobe ashmem_linux loads the driver.", ""});
        return;
    }
    findings.push_back({"alias", State::warning, file,
                        "modprobe ashmem_linux finds nothing, which waydroid and redroid call.",
                        "Run depmod, or load the driver by modprobe ashmem."});
}

std::string option_of(const std::string& config, const std::string& name) {
    for (const std::string& line : lines_of(config))
        if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
    return "n";
}

} // namespace

void check_driver(const Root& root, Findings& findings) {
    const auto misc = root.read("/proc/misc");
    const bool module = root.exists("/sys/module/ashmem");
    if (!misc) {
        findings.push_back({"driver", State::unknown, "/proc/misc",
                            "The list of devices cannot be read here.", "Mount /proc."});
    } else if (root.minor_number()) {
        const bool loaded = module && root.exists("/sys/module/ashmem/initstate");
        findings.push_back(
            {"driver", State::ok, "/proc/misc, /sys/module/ashmem",
             loaded ? "The driver is loaded as a module." : "The driver is part of the kernel.",
             ""});
    } else {
        findings.push_back(
            {"driver", State::failure, "/proc/misc, /sys/module/ashmem",
             module ? "The module is loaded, but has no device." : "The driver is not loaded.",
             module ? "Look for its reason in the kernel's log: dmesg | grep ashmem."
                    : "On the host, run modprobe ashmem."});
    }
}

void check_module_file(const Root& root, Findings& findings) {
    const std::string release = root.release();
    const std::string folder = "/lib/modules/" + release;
    if (release.empty() || !root.exists(folder)) {
        findings.push_back({"module", State::unknown, "/proc/sys/kernel/osrelease, " + folder,
                            "The kernel's modules are not here, as in a container.",
                            root.minor_number() ? "" : "Run ashmem doctor on the host."});
        return;
    }
    const std::string file = root.module_file(release);
    if (!file.empty()) {
        findings.push_back({"module", State::ok, file, "The running kernel has the module.", ""});
    } else {
        const std::string other = other_release(root, release);
        const std::string upgraded =
            other.empty() ? "" : " It was built for " + other + ": the kernel was changed since.";
        findings.push_back({"module", root.minor_number() ? State::warning : State::failure, folder,
                            "There is no module for the running kernel " + release + "." + upgraded,
                            "Run dkms autoinstall -k " + release + ", or build it: make load."});
    }
    check_headers(root, release, findings);
    check_alias(root, release, findings);
}

void check_kernel_options(const Root& root, Findings& findings) {
    std::string file = "/proc/config.gz";
    const auto compressed = root.read(file);
    auto config = compressed ? gunzip(*compressed) : std::nullopt;
    if (!config) {
        file = "/boot/config-" + root.release();
        config = root.read(file);
    }
    if (!config) {
        findings.push_back({"kernel options", State::unknown, "/proc/config.gz, " + file,
                            "The kernel's options are not here.", ""});
        return;
    }
    const std::size_t before = findings.size();
    if (option_of(*config, "CONFIG_SHMEM") != "y")
        findings.push_back({"kernel options", State::failure, file,
                            "CONFIG_SHMEM is off, so regions have no memory to lie in.",
                            "Use a kernel with CONFIG_SHMEM=y."});
    if (option_of(*config, "CONFIG_MODULES") != "y" && !root.minor_number())
        findings.push_back({"kernel options", State::failure, file,
                            "CONFIG_MODULES is off, so no driver can be loaded.",
                            "Use a kernel with CONFIG_MODULES=y."});
    if (option_of(*config, "CONFIG_MEMCG") != "y")
        findings.push_back({"kernel options", State::warning, file,
                            "CONFIG_MEMCG is off: pages are purged for the whole machine only.",
                            ""});
    if (option_of(*config, "CONFIG_ASHMEM") != "n")
        findings.push_back({"kernel options", State::warning, file,
                            "CONFIG_ASHMEM is on: the kernel has the original driver, and ours "
                            "cannot be loaded beside it.",
                            "Unload ashmem_linux if it is a module, before loading ours."});
    if (findings.size() == before)
        findings.push_back({"kernel options", State::ok, file, "The kernel has what we need.", ""});
}

} // namespace tool
