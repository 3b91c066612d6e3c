// SPDX-License-Identifier: Apache-2.0
// Runs all checks and prints what they found.
#include "doctor.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "commands.hpp"
#include "failure.hpp"
#include "text.hpp"

namespace tool {
namespace {

namespace fs = std::filesystem;

const char* name_of(State state) {
    static constexpr std::array names = {"ok", "cannot tell", "warning", "failure"};
    return names.at(static_cast<std::size_t>(state));
}

/** Whose clients work. */
struct Clients {
    bool plain;
    bool boot_id;
};

Clients clients_of(const Findings& findings) {
    const auto work_without = [&findings](const std::string& other) {
        return std::ranges::none_of(findings, [&other](const Finding& finding) {
            return finding.state == State::failure && finding.check != other;
        });
    };
    return {work_without(boot_node_check), work_without(plain_node_check)};
}

const char* summary_of(const Clients& clients) {
    if (clients.plain && clients.boot_id) return "Clients would work here.";
    if (clients.plain)
        return "Clients that open /dev/ashmem would work here, the newest libcutils would not.";
    if (clients.boot_id)
        return "The newest libcutils would work here, clients that open /dev/ashmem would not.";
    return "No client would work here.";
}

void print(const Findings& findings, const Clients& clients) {
    for (const Finding& finding : findings) {
        std::cout << name_of(finding.state) << ": " << finding.check << ": "
                  << printable(finding.meaning)
                  << "\n    looked at: " << printable(finding.looked_at) << '\n';
        if (!finding.advice.empty())
            std::cout << "    to do: " << printable(finding.advice) << '\n';
    }
    std::cout << summary_of(clients) << '\n';
}

void print_json(const Findings& findings, const Clients& clients) {
    nlohmann::json all = nlohmann::json::array();
    for (const Finding& finding : findings) {
        all.push_back({{"check", finding.check},
                       {"state", name_of(finding.state)},
                       {"looked_at", finding.looked_at},
                       {"meaning", finding.meaning},
                       {"advice", finding.advice}});
    }
    const nlohmann::json report = {
        {"works", clients.plain && clients.boot_id},
        {"clients", {{"plain", clients.plain}, {"boot_id", clients.boot_id}}},
        {"findings", std::move(all)}};
    std::cout << report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

} // namespace

bool doctor(const std::string& folder, bool json) {
    if (!fs::is_directory(folder))
        throw Failure("--root: '" + folder + "' is no folder", usage_error);
    const Root root(folder);
    Findings findings;
    for (auto* const check :
         {check_driver, check_module_file, check_secure_boot, check_kernel_options, check_nodes,
          check_mounts, check_device_cgroup, check_confinement, check_memory})
        check(root, findings);
    const Clients clients = clients_of(findings);
    json ? print_json(findings, clients) : print(findings, clients);
    return clients.plain && clients.boot_id;
}

} // namespace tool
