// SPDX-License-Identifier: Apache-2.0
// A file system for `ashmem doctor --root`, and what it says of it.
#pragma once

#include <string>

#include "tool/tool.hpp"

namespace test {

inline constexpr char node[] = "/dev/ashmem";
inline constexpr char boot_node[] = "/dev/ashmem01234567-89ab-cdef-0123-456789abcdef";

// A machine on which all is well, until a test writes or removes a file of it.
class Tree {
public:
    Tree();
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    ~Tree();

    // names of the running kernel's files
    static std::string modules(const std::string& name);
    static std::string config();

    void write(const std::string& name, const std::string& text) const;
    void remove(const std::string& name) const;
    void link(const std::string& target, const std::string& name) const;
    // The driver is not loaded; its module is there.
    void unload() const;
    [[nodiscard]] std::string path(const std::string& name) const { return root_ + name; }
    // what the driver's device has, as text
    [[nodiscard]] std::string major_number() const { return std::to_string(major_); }
    [[nodiscard]] std::string minor_number() const { return std::to_string(minor_); }

    [[nodiscard]] Answer doctor() const { return run_tool({"doctor", "--root", root_}); }
    [[nodiscard]] Answer doctor_json() const {
        return run_tool({"doctor", "--json", "--root", root_});
    }

private:
    void make_nodes();

    std::string root_;
    unsigned major_ = 10;
    unsigned minor_ = 125;
};

// Doctor names a cause by which clients do not work; by which they work, but something is
// amiss; or finds all well and says this.
void check_fails(const Tree& tree, const std::string& cause);
void check_warns(const Tree& tree, const std::string& cause);
void check_well(const Tree& tree, const std::string& finding);

} // namespace test
