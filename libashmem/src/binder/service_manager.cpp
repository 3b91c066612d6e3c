// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ashmem/binder/service_manager.hpp>
#include <utility>
#include <vector>

#include "../error.hpp"
#include "protocol.hpp"

namespace ashmem::binder {
namespace {

constexpr char16_t descriptor[] = u"android.os.IServiceManager";

enum Method : std::uint32_t { get_service = protocol::first_call, check_service, add };

/** How the answer of a method that AIDL describes begins: this, or an exception. */
constexpr std::int32_t no_exception = 0, illegal_argument = -3;

constexpr std::int32_t dump_by_default = 8;

std::u16string wide(std::string_view text) {
    return {text.begin(), text.end()};
}

/** A name; empty, which is none, if it has what no name has. */
std::string narrow(const std::u16string& text) {
    std::string name;
    for (const char16_t unit : text) {
        if (unit > 0x7e) return {};
        name.push_back(static_cast<char>(unit));
    }
    return name;
}

std::int32_t refuse(Parcel& out) {
    out.i32(illegal_argument);
    out.string16(u"no service, or no name of one");
    out.i32(0); // the caller's stack, which is not known
    return 0;
}

/** Call the context manager; the answer, past what it begins with. */
Message ask(Process& process, Method method, const Parcel& in, std::error_code& ec) {
    Message answer = process.context_manager()->call(method, in, ec);
    // a handle that leads nowhere cannot be called at all
    if (ec.value() == EREMOTEIO || ec.value() == EPIPE || ec.value() == EINVAL) ec = to_code(ENXIO);
    if (!ec && answer.i32() != no_exception) ec = to_code(EINVAL);
    if (!ec && !answer.ok()) ec = to_code(EBADMSG);
    return answer;
}

} // namespace

bool ServiceManager::is_name(std::string_view name) noexcept {
    constexpr std::size_t most = 127;
    constexpr std::string_view others = "_-./";
    return !name.empty() && name.size() <= most && std::ranges::all_of(name, [=](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               others.find(c) != std::string_view::npos;
    });
}

std::u16string ServiceManager::interface() const {
    return descriptor;
}

std::int32_t ServiceManager::answer(Call& call, Parcel& out) {
    if (!call.in.token(descriptor)) return -EPERM;
    const std::string name = narrow(call.in.string16());
    switch (call.code) {
        case get_service:
        case check_service: {
            const std::scoped_lock guard(lock_);
            const auto found = services_.find(name);
            out.i32(no_exception);
            out.object(found == services_.end() ? Reference() : found->second);
            return 0;
        }
        case Method::add: {
            Reference service = call.in.object();
            if (!call.in.ok() || !service || !is_name(name)) return refuse(out);
            add(name, std::move(service));
            out.i32(no_exception);
            return 0;
        }
        default:
            return -EBADMSG; // libbinder's UNKNOWN_TRANSACTION
    }
}

void ServiceManager::add(const std::string& name, Reference service) {
    Reference before; // ends without the lock
    const auto remote = service.remote;
    bool known = false;
    {
        const std::scoped_lock guard(lock_);
        known = std::ranges::any_of(services_,
                                    [&](const auto& one) { return one.second.remote == remote; });
        before = std::exchange(services_[name], std::move(service));
    }
    // once, whatever its names and however often it comes
    if (!remote || known) return;
    remote->on_death([self = weak_from_this(), which = remote.get()] {
        if (const auto manager = self.lock()) manager->forget(which);
    });
}

/** Its names go to nobody. */
void ServiceManager::forget(const Remote* service) {
    std::vector<Reference> last; // end without the lock
    const std::scoped_lock guard(lock_);
    std::erase_if(services_, [&](auto& one) {
        const bool gone = one.second.remote.get() == service;
        if (gone) last.push_back(std::move(one.second));
        return gone;
    });
}

void add_service(Process& process, std::string_view name, const Reference& service,
                 std::error_code& ec) {
    if (!service || !ServiceManager::is_name(name)) {
        ec = to_code(EINVAL);
        return;
    }
    Parcel in;
    in.token(descriptor);
    in.string16(wide(name));
    in.object(service);
    in.i32(0); // not for isolated callers
    in.i32(dump_by_default);
    (void)ask(process, Method::add, in, ec);
}

void add_service(Process& process, std::string_view name, const Reference& service) {
    throwing("binder::add_service", [&](auto& ec) { add_service(process, name, service, ec); });
}

Reference find_service(Process& process, std::string_view name, std::error_code& ec) {
    if (!ServiceManager::is_name(name)) {
        ec = to_code(EINVAL);
        return {};
    }
    Parcel in;
    in.token(descriptor);
    in.string16(wide(name));
    Message answer = ask(process, check_service, in, ec);
    if (ec) return {};
    Reference found = answer.object();
    if (!answer.ok())
        ec = to_code(EBADMSG);
    else if (!found)
        ec = to_code(ENOENT);
    return ec ? Reference() : found;
}

Reference find_service(Process& process, std::string_view name) {
    return throwing("binder::find_service",
                    [&](auto& ec) { return find_service(process, name, ec); });
}

} // namespace ashmem::binder
