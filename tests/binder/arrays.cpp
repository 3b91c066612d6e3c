// SPDX-License-Identifier: Apache-2.0
// Arrays of descriptors and odd replies, as only programs send that speak to the driver
// themselves.
#include <fcntl.h>
#include <linux/android/binder.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <ashmem/ashmem.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "support/binder.hpp"

using namespace ashmem::binder;

namespace {

constexpr std::size_t map_size = std::size_t{1} << 17, array_size = 8;

// As the driver has it, also of 32-bit programs: such an address is not negative.
binder_uintptr_t address_of(const void* place) {
    return reinterpret_cast<std::uintptr_t>(place);
}

// Calls that are answered by a status: which is 0, or of which there is nothing.
constexpr std::uint32_t no_error = 2, no_status = 3;

// A context manager without the library, which answers each other call with an array of
// descriptors of /dev/null.
class ArrayServer {
public:
    ArrayServer() : device_(open("/dev/binder", O_RDWR | O_CLOEXEC)) {
        void* const map =
            mmap(nullptr, map_size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, device_.get(), 0);
        std::int32_t unused = 0;
        bool manages = false;
        // the driver lets go of an earlier one in its own time
        const auto take_over = [&] {
            return manages = manages || ioctl(device_.get(), BINDER_SET_CONTEXT_MGR, &unused) == 0;
        };
        if (map == MAP_FAILED || !test::eventually(take_over))
            throw std::system_error(errno, std::generic_category(), "/dev/binder");
        fds_.fill(static_cast<std::uint32_t>(open("/dev/null", O_RDONLY | O_CLOEXEC)));
        put(BC_ENTER_LOOPER);
    }

    [[noreturn]] void serve() {
        for (;;) {
            std::array<char, 1024> in;
            binder_write_read both{};
            both.write_size = out_.size();
            both.write_buffer = address_of(out_.data());
            both.read_size = in.size();
            both.read_buffer = address_of(in.data());
            if (ioctl(device_.get(), BINDER_WRITE_READ, &both) != 0) _exit(1);
            out_.clear();
            for (std::size_t at = 0; at < both.read_consumed;) {
                std::uint32_t command;
                std::memcpy(&command, in.data() + at, sizeof(command));
                if (command == BR_TRANSACTION) answer(in.data() + at + sizeof(command));
                at += sizeof(command) + _IOC_SIZE(command);
            }
        }
    }

private:
    template <class... Values>
    void put(const Values&... values) {
        const auto add = [&](const void* from, std::size_t size) {
            const auto* const bytes = static_cast<const char*>(from);
            out_.insert(out_.end(), bytes, bytes + size);
        };
        (add(&values, sizeof(values)), ...);
    }

    void answer(const char* transaction) {
        binder_transaction_data call;
        std::memcpy(&call, transaction, sizeof(call));
        put(std::uint32_t{BC_FREE_BUFFER}, binder_uintptr_t{call.data.ptr.buffer});
        if (call.code == no_error || call.code == no_status) {
            binder_transaction_data reply{};
            reply.flags = TF_STATUS_CODE;
            reply.data_size = call.code == no_error ? sizeof(status_) : 0;
            reply.data.ptr.buffer = address_of(&status_);
            put(std::uint32_t{BC_REPLY}, reply);
            return;
        }
        objects_.bytes.hdr.type = BINDER_TYPE_PTR;
        objects_.bytes.buffer = address_of(fds_.data());
        objects_.bytes.length = sizeof(fds_);
        objects_.array.hdr.type = BINDER_TYPE_FDA;
        objects_.array.num_fds = array_size;
        binder_transaction_data_sg reply{};
        reply.buffers_size = sizeof(fds_);
        reply.transaction_data.data_size = sizeof(objects_);
        reply.transaction_data.offsets_size = sizeof(offsets_);
        reply.transaction_data.data.ptr.buffer = address_of(&objects_);
        reply.transaction_data.data.ptr.offsets = address_of(&offsets_);
        put(std::uint32_t{BC_REPLY_SG}, reply);
    }

    struct Objects {
        std::uint64_t first; // the driver corrects nothing in an object at offset 0
        binder_buffer_object bytes;
        binder_fd_array_object array;
    };

    ashmem::unique_fd device_;
    alignas(8) std::array<std::uint32_t, array_size> fds_{};
    Objects objects_{};
    std::int32_t status_ = 0;
    std::array<binder_size_t, 2> offsets_{offsetof(Objects, bytes), offsetof(Objects, array)};
    std::vector<char> out_;
};

test::BinderChild array_server() {
    return test::BinderChild([](const test::BinderChild::Ready& ready) {
        ArrayServer all;
        ready();
        all.serve();
    });
}

} // namespace

TEST_CASE("descriptors in an array are closed once, and no other's number is", "[binder]") {
    const auto server = array_server();
    const auto process = Process::open();
    const auto service = process->context_manager();
    const int before = dup(0);
    REQUIRE(close(before) == 0);

    std::atomic<bool> done{false};
    std::size_t lost = 0;
    // takes the numbers that become free
    std::thread other([&] {
        while (!done) {
            const int fd = dup(0);
            if (fcntl(fd, F_GETFD) < 0 || close(fd) != 0) ++lost;
        }
    });
    std::size_t answered = 0;
    for (int i = 0; i < 1000; ++i) {
        std::error_code ec;
        const Message message = service->call(1, Parcel(), ec);
        if (!ec) ++answered;
    }
    done = true;
    other.join();
    CHECK(answered == 1000);
    CHECK(lost == 0);
    const int after = dup(0);
    CHECK(after == before);
    close(after);
}

TEST_CASE("a status of 0 is an empty answer, and a status without one is EREMOTEIO", "[binder]") {
    const auto server = array_server();
    const auto process = Process::open();
    const auto service = process->context_manager();
    std::error_code ec;
    CHECK(service->call(no_error, Parcel(), ec).left() == 0);
    CHECK_FALSE(ec);
    (void)service->call(no_status, Parcel(), ec);
    CHECK(ec.value() == EREMOTEIO);
}
