// SPDX-License-Identifier: Apache-2.0
// One thread or process of a program: makes the calls, and complains of an answer that no
// order of the calls explains.
#pragma once

#include <initializer_list>
#include <string>

#include "kfuzz/memory.hpp"
#include "kfuzz/slots.hpp"
#include "kfuzz/step.hpp"

namespace kfuzz {

class Actor {
public:
    // group: folder of the program's memory cgroup
    Actor(int number, World& world, Slots& slots, std::string group)
        : number_(number), world_(world), slots_(slots), group_(std::move(group)) {}

    // its steps of a program, in their order
    void run(const Program& program);
    // Whether all descriptors of this process show what their regions must hold.
    void check_all();
    void unmap_all();

private:
    using Values = std::array<std::uint64_t, 3>;

    void act(const Step& step);
    void run_forked(const Program& program, std::size_t first, std::size_t end);

    void descriptor_call(const Step& step);
    void attribute_call(const Step& step, const Slot& slot);
    void set_name(const Slot& slot, std::uint64_t kind);
    void get_name(const Slot& slot, bool bad);
    void set_mask(const Slot& slot, unsigned mask);
    void get_mask(const Slot& slot);
    void file_call(const Step& step, const Slot& slot);
    void file_id(const Slot& slot, bool bad);
    void pin_call(Call call, const Slot& slot, const Values& values);
    void after_pin(Call call, const Slot& slot, std::uint32_t offset, std::uint32_t length,
                   long ret);
    void map(const Slot& slot, const Values& values);
    void map_call(const Step& step);
    void protect(Map& map, int prot);
    void touch(const Map& map, std::uint64_t first, std::uint64_t count, bool write);
    void machine_call(const Step& step);

    void check_pages(const Slot& slot, std::uint64_t first, std::uint64_t end);
    // Complains of an error that is not one of these; a closed descriptor has more.
    void expect(const Slot& slot, Call call, long ret, std::initializer_list<int> errors);
    void complain(const Slot& slot, const std::string& text);

    int number_;
    World& world_;
    Slots& slots_;
    std::string group_;
    Maps maps_{};
};

} // namespace kfuzz
