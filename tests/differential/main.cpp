// SPDX-License-Identifier: Apache-2.0
// ashmem-differential: draws programs of calls and runs them on the loaded driver. Drivers
// that behave alike give the same digests; scripts/check-differential compares them.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "run.hpp"
#include "step.hpp"

using namespace differential;

namespace {

constexpr char usage[] =
    "usage: ashmem-differential draw SEED COUNT   run COUNT programs from this seed on,\n"
    "                                             a line of TAP with its digest each\n"
    "       ashmem-differential show SEED         the program of a seed, as text\n"
    "       ashmem-differential digest FILE [all] the digests of the programs of a file\n"
    "       ashmem-differential play FILE [all]   every answer of them\n"
    "all: also the calls that are known to differ\n";

struct Named {
    std::string name;
    Program program;
};

// Programs, each below a line \"== NAME\"; other lines are steps, # comments.
std::vector<Named> read_programs(const char* path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(std::string("cannot read ") + path);
    std::vector<Named> all;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line[0] == '#') continue;
        if (line.starts_with("== ")) {
            all.push_back({line.substr(3), {}});
            continue;
        }
        const auto step = parse(line);
        if (!step) throw std::runtime_error("not a step: " + line);
        if (all.empty()) all.push_back({path, {}});
        all.back().program.push_back(*step);
    }
    return all;
}

std::string digest(const std::string& text) {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (const char c : text)
        sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    std::ostringstream hex;
    hex << std::hex << std::setw(16) << std::setfill('0') << sum;
    return hex.str();
}

std::uint64_t number(const char* text) {
    std::uint64_t value = 0;
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, value);
    if (error != std::errc() || stop != end)
        throw std::runtime_error(std::string("not a number: ") + text);
    return value;
}

int draw(std::uint64_t seed, std::uint64_t count) {
    Census census;
    std::size_t steps = 0, avoided = 0;
    std::cout << "1.." << count << '\n';
    for (std::uint64_t i = 0; i < count; ++i) {
        const Program program = generate(seed + i);
        const Transcript transcript = run(program, true, &census);
        steps += program.size();
        avoided += transcript.avoided;
        std::cout << "ok " << i + 1 << " - program " << seed + i << ' ' << digest(transcript.text)
                  << std::endl;
    }
    for (const auto& [what, times] : census)
        std::cout << "# " << what << ' ' << times << '\n';
    std::cout << "# " << count << " programs, " << steps << " calls drawn, " << avoided
              << " avoided as known to differ" << std::endl;
    return 0;
}

int show(std::uint64_t seed) {
    for (const Step& step : generate(seed))
        std::cout << to_text(step) << '\n';
    return 0;
}

int play(const char* path, bool avoid, bool whole) {
    for (const Named& named : read_programs(path)) {
        const std::string text = run(named.program, avoid).text;
        if (whole)
            std::cout << "== " << named.name << '\n' << text;
        else
            std::cout << digest(text) << ' ' << named.name << std::endl;
    }
    return 0;
}

int chosen(int argc, char* argv[]) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "draw" && argc == 4) return draw(number(argv[2]), number(argv[3]));
    if (what == "show" && argc == 3) return show(number(argv[2]));
    const bool all = argc == 4 && !std::strcmp(argv[3], "all");
    if ((what == "digest" || what == "play") && (argc == 3 || all))
        return play(argv[2], !all, what == "play");
    std::cerr << usage;
    return 2;
}

} // namespace

int main(int argc, char* argv[]) {
    try {
        return chosen(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "ashmem-differential: " << error.what() << '\n';
        return 2;
    }
}
