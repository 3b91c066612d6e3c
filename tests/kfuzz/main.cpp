// SPDX-License-Identifier: Apache-2.0
// ashmem-kfuzz: random programs of calls to the driver, guided by which of its code they ran.
//
//   ashmem-kfuzz SIGNS fuzz SEED SECONDS FILE    FILE: programs to begin with, one a line
//   ashmem-kfuzz SIGNS play TIMES FILE           the programs of a file, again and again
//
// SIGNS has regular expressions: what the kernel prints about a mistake.
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "kfuzz/fuzzer.hpp"

namespace {

using namespace kfuzz;

std::vector<Program> read_programs(const std::string& path) {
    std::vector<Program> programs;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (Program program = parse(line); !program.empty()) programs.push_back(std::move(program));
    return programs;
}

int usage() {
    std::cerr << "usage: ashmem-kfuzz SIGNS fuzz SEED SECONDS FILE | play TIMES FILE\n";
    return 2;
}

bool fuzz(Fuzzer& fuzzer, const std::vector<std::string>& words) {
    const bool well = fuzzer.fuzz(std::stoull(words[2]), std::chrono::seconds(std::stoi(words[3])),
                                  read_programs(words[4]));
    for (const Program& program : fuzzer.cover())
        std::cout << "cover: " + to_text(program) + "\n";
    return well;
}

} // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    const bool fuzzing = words.size() == 5 && words[1] == "fuzz";
    if (!fuzzing && (words.size() != 4 || words[1] != "play")) return usage();
    Fuzzer fuzzer(words[0].c_str());
    std::cout << "1..1" << std::endl;
    const bool well =
        fuzzing ? fuzz(fuzzer, words) : fuzzer.play(read_programs(words[3]), std::stoi(words[2]));
    std::cout << (well ? "ok" : "not ok") << " 1 - " << fuzzer.summary() << std::endl;
    return well ? 0 : 1;
} catch (const std::exception& problem) {
    std::cerr << "ashmem-kfuzz: " << problem.what() << "\n";
    return 2;
}
