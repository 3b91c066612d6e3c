// SPDX-License-Identifier: Apache-2.0
// What `ashmem list --json` prints, and regions for it to find.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"

namespace test {

// all regions; what is prepared, as for run_tool
nlohmann::json list(const std::function<void()>& prepare = [] {});
// those of this name; the only one
std::vector<nlohmann::json> named(const nlohmann::json& all, const std::string& name);
nlohmann::json only(const nlohmann::json& all, const std::string& name);

// "pid:fd", and those of all descriptors that a region's row tells
std::string place(pid_t pid, int fd);
std::set<std::string> descriptors_of(const nlohmann::json& region);

Region make(const std::string& name, std::size_t pages);
// A child that has what this process has, until it is killed.
Child holder();

} // namespace test
