// SPDX-License-Identifier: Apache-2.0
// Services by name: the context manager that knows them, and what others ask of it.
#include <ashmem/binder/service_manager.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "../cxx/error.hpp"
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
    const auto names = process.context_manager(ec);
    if (!names) return {};
    Message answer = names->call(method, in, ec);
    if (ec.value() == EPIPE) ec = to_code(ENXIO);
    if (!ec && answer.i32() != no_exception) ec = to_code(EINVAL);
    if (!ec && !answer.ok()) ec = to_code(EBADMSG);
    return answer;
}

} // namespace

struct ServiceManager::Impl {
    Reference find(const std::string& name);
    /** Whether it is a remote service that had no name before. */
    bool add(const std::string& name, Reference service);
    /** Drop all names of a service. */
    void forget(const Remote* service);

    std::mutex lock;
    std::map<std::string, Reference> services;
};

Reference ServiceManager::Impl::find(const std::string& name) {
    const std::scoped_lock guard(lock);
    const auto found = services.find(name);
    return found == services.end() ? Reference() : found->second;
}

bool ServiceManager::Impl::add(const std::string& name, Reference service) {
    Reference before; // destroyed without the lock
    const std::scoped_lock guard(lock);
    const bool known = std::ranges::any_of(
        services, [&](const auto& one) { return one.second.remote == service.remote; });
    const bool added = service.remote && !known;
    before = std::exchange(services[name], std::move(service));
    return added;
}

void ServiceManager::Impl::forget(const Remote* service) {
    std::vector<Reference> last; // destroyed without the lock
    const std::scoped_lock guard(lock);
    std::erase_if(services, [&](auto& one) {
        const bool gone = one.second.remote.get() == service;
        if (gone) last.push_back(std::move(one.second));
        return gone;
    });
}

ServiceManager::ServiceManager() : impl_(std::make_unique<Impl>()) {}
ServiceManager::~ServiceManager() = default;

bool ServiceManager::is_name(std::string_view name) noexcept {
    constexpr std::size_t max_length = 127;
    constexpr std::string_view others = "_-./";
    return !name.empty() && name.size() <= max_length && std::ranges::all_of(name, [=](char c) {
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
        case check_service:
            out.i32(no_exception);
            out.object(impl_->find(name));
            return 0;
        case Method::add: {
            Reference service = call.in.object();
            if (!call.in.ok() || !service || !is_name(name)) return refuse(out);
            if (const auto ec = add(name, std::move(service))) return -ec.value();
            out.i32(no_exception);
            return 0;
        }
        default:
            return -EBADMSG; // libbinder's UNKNOWN_TRANSACTION
    }
}

std::error_code ServiceManager::add(const std::string& name, Reference service) {
    const auto remote = service.remote;
    // one notice of death for each service, however many names it has
    if (!impl_->add(name, std::move(service))) return {};
    std::error_code ec;
    remote->link_to_death(
        [self = weak_from_this(), which = remote.get()] {
            if (const auto manager = self.lock()) manager->impl_->forget(which);
        },
        ec);
    if (ec) impl_->forget(remote.get());
    return ec;
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
    Reference found = answer.object(ec);
    if (!ec && !answer.ok()) ec = to_code(EBADMSG);
    if (!ec && !found) ec = to_code(ENOENT);
    return ec ? Reference() : found;
}

Reference find_service(Process& process, std::string_view name) {
    return throwing("binder::find_service",
                    [&](auto& ec) { return find_service(process, name, ec); });
}

} // namespace ashmem::binder
