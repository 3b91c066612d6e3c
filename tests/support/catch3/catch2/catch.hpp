// SPDX-License-Identifier: Apache-2.0
// Catch2 3 under the name of the one header that was Catch2 2, and with its names.
#pragma once

#include <catch2/catch_all.hpp>
#include <catch2/reporters/catch_reporter_streaming_base.hpp>

namespace Catch {

using Matchers::EndsWith;

inline auto Contains(const std::string& text) {
    return Matchers::ContainsSubstring(text);
}

} // namespace Catch
