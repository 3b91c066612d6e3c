// SPDX-License-Identifier: Apache-2.0
// The calls that a program may have, and a step as text and back.
#include "step.hpp"

#include <algorithm>
#include <sstream>

namespace differential {
namespace {

struct Form {
    Call call;
    std::string_view name;
    std::size_t arguments;
};

constexpr Form forms[] = {
    {Call::open, "open", 2},
    {Call::close, "close", 1},
    {Call::dup, "dup", 2},
    {Call::reopen, "reopen", 3},
    {Call::take, "take", 3},
    {Call::fork, "fork", 1},
    {Call::exit, "exit", 0},
    {Call::drop, "drop", 0},
    {Call::setname, "setname", 2},
    {Call::getname, "getname", 2},
    {Call::setsize, "setsize", 2},
    {Call::getsize, "getsize", 1},
    {Call::setmask, "setmask", 2},
    {Call::getmask, "getmask", 1},
    {Call::pin, "pin", 3},
    {Call::unpin, "unpin", 3},
    {Call::status, "status", 3},
    {Call::badpin, "badpin", 3},
    {Call::purge, "purge", 1},
    {Call::ioctl, "ioctl", 3},
    {Call::mmap, "mmap", 6},
    {Call::munmap, "munmap", 3},
    {Call::mprotect, "mprotect", 2},
    {Call::mremap, "mremap", 2},
    {Call::madvise, "madvise", 4},
    {Call::msync, "msync", 2},
    {Call::store, "store", 4},
    {Call::load, "load", 3},
    {Call::poke, "poke", 3},
    {Call::maps, "maps", 1},
    {Call::read, "read", 3},
    {Call::pread, "pread", 4},
    {Call::write, "write", 2},
    {Call::lseek, "lseek", 3},
    {Call::ftruncate, "ftruncate", 2},
    {Call::fallocate, "fallocate", 4},
    {Call::fsync, "fsync", 1},
    {Call::fstat, "fstat", 1},
    {Call::poll, "poll", 1},
    {Call::fcntl, "fcntl", 3},
    {Call::flock, "flock", 2},
    {Call::fdinfo, "fdinfo", 1},
    {Call::look, "look", 0},
};

const Form& form_of(Call call) {
    return *std::ranges::find(forms, call, &Form::call);
}

} // namespace

std::string_view name_of(Call call) {
    return form_of(call).name;
}

std::string to_text(const Step& step) {
    const Form& form = form_of(step.call);
    std::ostringstream text;
    text << step.actor << ' ' << form.name;
    for (std::size_t i = 0; i < form.arguments; ++i)
        text << ' ' << step.arguments[i];
    return text.str();
}

std::optional<Step> parse(const std::string& line) {
    std::istringstream text(line);
    Step step;
    std::string name, rest;
    if (!(text >> step.actor >> name)) return {};
    const auto* form = std::ranges::find(forms, name, &Form::name);
    if (form == std::end(forms) || step.actor < 0 || step.actor >= most_actors) return {};
    step.call = form->call;
    for (std::size_t i = 0; i < form->arguments; ++i)
        if (!(text >> step.arguments[i])) return {};
    if (text >> rest) return {};
    return step;
}

} // namespace differential
