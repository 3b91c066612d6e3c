// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The commands, each in the file of its name. One that fails throws.
 */
#pragma once

#include <string>
#include <vector>

namespace tool {

/** `ashmem list`: all regions. */
void list(bool json);

/** `ashmem show PID:FD`: one of them; in list.cpp. */
void show(const std::string& place, bool json);

/** `ashmem create`: runs a command that inherits a region. */
[[noreturn]] void create(const std::string& name, const std::string& size,
                         const std::vector<std::string>& command);

/** `ashmem purge`: discards everything unpinned on this machine. */
void purge();

/** `ashmem top`: the list, again and again; if iterations is 0, until q or a signal. */
void top(unsigned iterations, double delay);

/** `ashmem nodes add|remove` */
[[noreturn]] void nodes(const std::string& action);

/** `ashmem doctor`: returns whether clients of both nodes would work. */
[[nodiscard]] bool doctor(const std::string& root, bool json);

} // namespace tool
