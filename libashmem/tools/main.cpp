// SPDX-License-Identifier: Apache-2.0
// The command line of `ashmem`. Exit codes: 0 done, 1 failed, 2 not understood.
#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "commands.hpp"
#include "failure.hpp"

namespace {

/** What the parser fills in. */
struct Options {
    bool json = false;
    std::string place;
    std::string root = "/";
    std::string name;
    std::string size;
    std::vector<std::string> command;
    std::string action;
    unsigned iterations = 0;
    double delay = 2;
    /** What is done once all of the line is understood; returns whether all is well. */
    std::function<bool()> chosen;
};

void add_list(CLI::App& app, Options& options) {
    CLI::App* list = app.add_subcommand("list", "Show all regions that you may see");
    list->add_flag("--json", options.json, "Print JSON");
    list->callback([&options] {
        options.chosen = [&options] {
            tool::list(options.json);
            return true;
        };
    });
}

void add_show(CLI::App& app, Options& options) {
    CLI::App* show = app.add_subcommand("show", "Show one region and who holds it");
    show->add_option("REGION", options.place, "PID:FD, a process and its descriptor")->required();
    show->add_flag("--json", options.json, "Print JSON");
    show->callback([&options] {
        options.chosen = [&options] {
            tool::show(options.place, options.json);
            return true;
        };
    });
}

void add_doctor(CLI::App& app, Options& options) {
    CLI::App* doctor = app.add_subcommand("doctor", "Find out why a client does not work here");
    doctor->add_option("--root", options.root, "Examine the system below this folder");
    doctor->add_flag("--json", options.json, "Print JSON");
    doctor->callback([&options] {
        options.chosen = [&options] { return tool::doctor(options.root, options.json); };
    });
}

void add_create(CLI::App& app, Options& options) {
    CLI::App* create = app.add_subcommand("create", "Run a command with a region, in ASHMEM_FD");
    create->add_option("NAME", options.name, "The region's name")->required();
    create->add_option("SIZE", options.size, "Bytes, or 64K, 16M, 2G")->required();
    create->add_option("CMD", options.command, "The command, after --")->required();
    create->callback([&options] {
        options.chosen = [&options]() -> bool {
            tool::create(options.name, options.size, options.command);
        };
    });
}

void add_purge(CLI::App& app, Options& options) {
    CLI::App* purge = app.add_subcommand("purge", "Discard all unpinned pages of this machine");
    purge->callback([&options] {
        options.chosen = [] {
            tool::purge();
            return true;
        };
    });
}

void add_top(CLI::App& app, Options& options) {
    CLI::App* top = app.add_subcommand("top", "Show the list again and again");
    top->add_option("--iterations", options.iterations, "How often; 0 for ever");
    top->add_option("--delay", options.delay, "Seconds between")->check(CLI::Range(0.1, 86400.0));
    top->callback([&options] {
        options.chosen = [&options] {
            tool::top(options.iterations, options.delay);
            return true;
        };
    });
}

void add_nodes(CLI::App& app, Options& options) {
    CLI::App* nodes = app.add_subcommand("nodes", "Make or remove the nodes in /dev");
    nodes->add_option("ACTION", options.action, "add or remove")
        ->required()
        ->check(CLI::IsMember({"add", "remove"}));
    nodes->callback(
        [&options] { options.chosen = [&options]() -> bool { tool::nodes(options.action); }; });
}

int run(int argc, char* argv[]) {
    CLI::App app("Shows shared memory regions of /dev/ashmem", "ashmem");
    app.require_subcommand(1);
    Options options;
    for (auto* const add :
         {add_list, add_show, add_create, add_purge, add_top, add_nodes, add_doctor})
        add(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // --help is an error to the parser too
        return app.exit(error) == 0 ? 0 : tool::usage_error;
    }
    const bool well = options.chosen();
    if (!std::cout.flush()) throw tool::Failure("cannot write what was found");
    return well ? 0 : 1;
}

} // namespace

int main(int argc, char* argv[]) {
    try {
        return run(argc, argv);
    } catch (const tool::Failure& failure) {
        std::cerr << "ashmem: " << failure.what() << '\n';
        return failure.exit_code;
    } catch (const std::exception& error) {
        std::cerr << "ashmem: " << error.what() << '\n';
        return 1;
    }
}
