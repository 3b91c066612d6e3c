// SPDX-License-Identifier: Apache-2.0
// The nodes in /dev, the mounts that cover them, and who may open them.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "doctor.hpp"
#include "text.hpp"

namespace tool {
namespace {

constexpr char plain_node[] = "/dev/ashmem";

std::string octal(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", mode & 07777);
    return text.data();
}

/** The major number of misc devices is 10 wherever /proc/devices does not tell otherwise. */
unsigned misc_major(const Root& root) {
    for (const std::string& line : lines_of(root.read("/proc/devices").value_or(""))) {
        const auto words = words_of(line);
        if (words.size() == 2 && words[1] == "misc")
            return static_cast<unsigned>(to_number(words[0]).value_or(10));
    }
    return 10;
}

/** What makes a node useless, "" if nothing does. */
std::string fault_of(const Root& root, const std::string& node, struct stat& status) {
    if (::lstat(root.path(node).c_str(), &status) != 0)
        return errno == ENOENT ? "is missing"
                               : std::string("cannot be looked at: ") + std::strerror(errno);
    if (S_ISLNK(status.st_mode))
        return "is a symbolic link, which libcutils and container runtimes do not accept";
    if (!S_ISCHR(status.st_mode)) return "is no character device";
    const auto minor_number = root.minor_number();
    const unsigned major_number = misc_major(root);
    if (!minor_number ||
        (major(status.st_rdev) == major_number && minor(status.st_rdev) == *minor_number))
        return "";
    return "has the number " + std::to_string(major(status.st_rdev)) + ":" +
           std::to_string(minor(status.st_rdev)) + ", but the driver has " +
           std::to_string(major_number) + ":" + std::to_string(*minor_number);
}

void try_to_open(const std::string& check, const std::string& node, Findings& findings) {
    const int fd = ::open(node.c_str(), O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        ::close(fd);
        findings.push_back({check, State::ok, node, "The node can be opened.", ""});
        return;
    }
    const int error = errno;
    std::string meaning = node + " cannot be opened: " + std::strerror(error) + ".";
    std::string advice = "See the other findings.";
    if (error == EPERM) {
        meaning += " The device cgroup of this container does not allow it.";
        advice = "Start the container with --device " + node + ", or allow c 10:* rwm in LXC.";
    } else if (error == EACCES) {
        meaning += " Mode, a nodev mount or a security module forbids it.";
    } else if (error == ENXIO || error == ENODEV) {
        meaning += " No driver has its number.";
        advice = "Load the driver, then make the node anew: ashmem nodes add.";
    }
    findings.push_back({check, State::failure, node, meaning, advice});
}

void check_node(const Root& root, const std::string& check, const std::string& node,
                const std::string& purpose, Findings& findings) {
    struct stat status {};
    const std::string fault = fault_of(root, node, status);
    if (!fault.empty()) {
        findings.push_back({check, State::failure, node, node + " " + fault + ". " + purpose,
                            "On the host, run ashmem nodes add; then restart containers."});
        return;
    }
    const std::string mode = octal(status.st_mode);
    if ((status.st_mode & 0006) != 0006)
        findings.push_back({check, State::warning, node,
                            "The mode of " + node + " is " + mode +
                                ": users beside its owner and group cannot open it.",
                            "For all users: MODE=0666 in /etc/default/ashmem, ashmem nodes add."});
    else
        findings.push_back(
            {check, State::ok, node, "The node is right, its mode " + mode + ".", ""});
    if (root.live()) try_to_open(check, node, findings);
}

/** Options of the mount that a path lies on; the last of several at a place is on top. */
std::string mount_options(const std::string& mountinfo, const std::string& path,
                          std::string& mount_point) {
    std::string options;
    for (const std::string& line : lines_of(mountinfo)) {
        const auto words = words_of(line);
        if (words.size() < 6) continue;
        const std::string& point = words[4];
        const std::string folder = point == "/" ? "/" : point + "/";
        if ((path != point && !path.starts_with(folder)) || point.size() < mount_point.size())
            continue;
        mount_point = point;
        options = "," + words[5] + ",";
    }
    return options;
}

} // namespace

void check_nodes(const Root& root, Findings& findings) {
    check_node(root, plain_node_check, plain_node, "Clients for Android 9 and most others open it.",
               findings);
    const auto words = words_of(root.read("/proc/sys/kernel/random/boot_id").value_or(""));
    if (words.empty()) {
        findings.push_back({boot_node_check, State::unknown, "/proc/sys/kernel/random/boot_id",
                            "The boot id cannot be read, by which Android names its node.", ""});
        return;
    }
    check_node(root, boot_node_check, plain_node + words.front(),
               "The newest libcutils opens this one alone.", findings);
}

void check_mounts(const Root& root, Findings& findings) {
    constexpr char file[] = "/proc/self/mountinfo";
    const auto mountinfo = root.read(file);
    std::string point;
    const std::string options = mountinfo ? mount_options(*mountinfo, plain_node, point) : "";
    if (options.empty()) {
        findings.push_back({"mount", State::unknown, file, "The mounts cannot be read here.", ""});
    } else if (options.find(",nodev,") != std::string::npos) {
        findings.push_back({"mount", State::failure, file,
                            point + " is mounted nodev: no device on it can be opened.",
                            "mount -o remount,dev " + point});
    } else if (options.find(",noexec,") != std::string::npos) {
        findings.push_back({"mount", State::warning, file,
                            point + " is mounted noexec: no region can be mapped executable.",
                            "mount -o remount,exec " + point + ", if programs need that."});
    } else {
        findings.push_back(
            {"mount", State::ok, file, point + " allows devices and execution.", ""});
    }
}

void check_device_cgroup(const Root& root, Findings& findings) {
    // The second version has a program in place of a list, which only an open() shows.
    constexpr char file[] = "/sys/fs/cgroup/devices/devices.list";
    const auto allowed = root.read(file);
    if (!allowed) {
        findings.push_back({"device cgroup", root.live() ? State::ok : State::unknown, file,
                            root.live() ? "There is no list; whether the node opens is what counts."
                                        : "There is no list of allowed devices here.",
                            ""});
        return;
    }
    const std::string major_number = std::to_string(misc_major(root)) + ":";
    const auto minor_number = root.minor_number();
    for (const std::string& line : lines_of(*allowed)) {
        const auto words = words_of(line);
        if (words.size() != 3 || words[0] == "b" || words[2].find("rw") == std::string::npos)
            continue;
        const bool ours = minor_number && words[1] == major_number + std::to_string(*minor_number);
        if (words[0] != "a" && words[1] != "*:*" && words[1] != major_number + "*" && !ours)
            continue;
        findings.push_back({"device cgroup", State::ok, file, "It allows the device.", ""});
        return;
    }
    findings.push_back(
        {"device cgroup", State::failure, file,
         "The device cgroup does not allow the device: open() answers EPERM.",
         "Start the container with --device /dev/ashmem, or allow c " + major_number + "* rwm."});
}

} // namespace tool
