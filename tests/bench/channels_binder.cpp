// SPDX-License-Identifier: Apache-2.0
// Calls over the kernel's Binder, with the bytes in them. Every call is answered. The caller
// copies into a parcel, the driver to the other process's buffer, and that one copies out.
#include <unistd.h>

#include <ashmem/binder.hpp>
#include <cstring>
#include <string>

#include "channels.hpp"
#include "costs/measure.hpp"
#include "counter.hpp"
#include "support/process.hpp"

namespace bench::channels {
namespace {

using namespace ashmem::binder;

// The driver's buffer of a process is two pages short of this.
constexpr std::size_t largest = (std::size_t{1} << 20) - (std::size_t{64} << 10);

enum Code : std::uint32_t { take, add_up, give_back };

// Bytes as UTF-16, which parcels copy as one piece.
std::u16string_view units(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char16_t*>(bytes.data()), bytes.size() / sizeof(char16_t)};
}

class Receiver final : public Object {
public:
    std::u16string interface() const override { return u"bench.Receiver"; }
    std::int32_t answer(Call& call, Parcel& out) override {
        const std::u16string text = call.in.string16();
        if (call.code == give_back) out.string16(text);
        if (call.code == add_up) out.u64(sum_of(std::as_bytes(std::span(text))));
        return 0;
    }
};

// A child that is the context manager, so that it needs no name.
class Server {
public:
    Server()
        : child_([this] {
              const auto process = Process::open();
              process->become_context_manager(std::make_shared<Receiver>());
              ready_->add();
              process->serve();
              return 0;
          }) {
        ready_->wait_for(1);
        client_ = Process::open()->context_manager();
    }
    Message call(Code code, std::span<const std::byte> bytes) const {
        Parcel in;
        in.string16(units(bytes));
        return client_->call(code, in);
    }

private:
    Shared<Counter> ready_;
    test::Child child_;
    std::shared_ptr<Remote> client_;
};

double message(const Server& server, const Transfer& transfer) {
    std::vector<std::byte> own(transfer.size);
    write_numbers(own, 0);
    (void)server.call(take, own);
    const auto start = costs::now();
    for (int i = 0; i < transfer.messages; ++i) {
        const auto first = static_cast<Word>(i);
        if (transfer.in_place) write_numbers(own, first);
        Message answer = server.call(transfer.in_place ? add_up : take, own);
        if (transfer.in_place && answer.u64() != sum_of_numbers(transfer.size, first))
            throw std::runtime_error("Binder: not what was sent");
    }
    return static_cast<double>(costs::now() - start) / transfer.messages;
}

double round_trip(const Server& server, std::size_t size, int trips) {
    const std::vector<std::byte> bytes(size);
    const auto trip = [&] {
        if (server.call(give_back, bytes).string16().size() * sizeof(char16_t) != size)
            throw std::runtime_error("Binder: not what was sent");
    };
    return costs::batch({1, trips / 10, trips}, trip);
}

} // namespace

std::vector<Subject> binder() {
    if (access("/dev/binder", F_OK) != 0) return {};
    const auto server = std::make_shared<Server>();
    return {{"Binder", [server](const Transfer& transfer) { return message(*server, transfer); },
             [server](std::size_t size, int trips) { return round_trip(*server, size, trips); },
             largest}};
}

} // namespace bench::channels
