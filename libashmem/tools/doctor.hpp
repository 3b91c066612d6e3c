// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The checks of doctor. Each adds what it found.
 */
#pragma once

#include <string>
#include <vector>

#include "root.hpp"

namespace tool {

enum class State {
    ok,
    unknown, ///< what would tell is not here, as in many containers
    warning, ///< clients work, but not as well or not all of them
    failure  ///< clients do not work: of one node, or any
};

struct Finding {
    std::string check;
    State state;
    std::string looked_at;
    std::string meaning;
    std::string advice; ///< "" if nothing is to be done
};

using Findings = std::vector<Finding>;

// What fails in one of these does no harm to clients that open the other node.
inline constexpr char plain_node_check[] = "node";
inline constexpr char boot_node_check[] = "boot id node";

void check_driver(const Root& root, Findings& findings);
void check_module_file(const Root& root, Findings& findings);
void check_secure_boot(const Root& root, Findings& findings);
void check_kernel_options(const Root& root, Findings& findings);
void check_nodes(const Root& root, Findings& findings);
void check_mounts(const Root& root, Findings& findings);
void check_device_cgroup(const Root& root, Findings& findings);
void check_confinement(const Root& root, Findings& findings);
void check_memory(const Root& root, Findings& findings);

} // namespace tool
