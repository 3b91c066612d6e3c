// SPDX-License-Identifier: Apache-2.0
// A Binder pair: a server passes windows of one heap to a client, through the kernel's
// Binder, and dies. A third process, the service manager, knows the server's name. The
// shared memory is not copied, and the client keeps it.
// usage: binder-pair [DEVICE] (default: /dev/binder)
#include <binder/MemoryDealer.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ashmem/binder.hpp>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>

namespace {

namespace binder = ashmem::binder;
using android::IMemory;
using android::MemoryDealer;
using android::sp;

constexpr char16_t interface_name[] = u"example.ITrack";
constexpr std::uint32_t get_track = 1;
constexpr std::size_t track_bytes = 100000;

std::uint32_t sum(const void* bytes, std::size_t size) {
    std::uint32_t sum = 1;
    for (std::size_t i = 0; i < size; ++i)
        sum = sum * 31 + static_cast<const unsigned char*>(bytes)[i];
    return sum;
}

// The server's only method: a track by its number, as a window, and its sum.
class Tracks final : public binder::Object {
public:
    [[nodiscard]] std::u16string interface() const override { return interface_name; }

    std::int32_t answer(binder::Call& call, binder::Parcel& out) override {
        if (call.code != get_track) return -EBADMSG;
        if (!call.in.token(interface_name)) return -EPERM;
        const std::uint32_t number = call.in.u32();
        const sp<IMemory> window = dealer_->allocate(track_bytes);
        if (!window) return -ENOMEM;
        std::memset(window->unsecurePointer(), static_cast<int>(number & 0xff), window->size());
        std::memcpy(window->unsecurePointer(), &number, sizeof(number));
        out.u32(sum(window->unsecurePointer(), window->size()));
        out.object({binder::publish(window), nullptr});
        return 0;
    }

private:
    sp<MemoryDealer> dealer_ = sp<MemoryDealer>::make(std::size_t{1} << 20, "tracks");
};

// Runs work in a child process and waits until it says that it is ready.
template <class Work>
pid_t start(Work work) {
    int ends[2];
    if (pipe(ends) != 0) return -1;
    const pid_t process = fork();
    if (process == 0) {
        try {
            work([&] { close(ends[1]); });
        } catch (const std::exception& error) {
            std::cerr << "binder-pair: " << error.what() << '\n';
        }
        _exit(1);
    }
    close(ends[1]);
    char none;
    (void)!read(ends[0], &none, 1);
    close(ends[0]);
    return process;
}

int client(const std::string& device, pid_t server) {
    const auto process = binder::Process::open(device);
    const auto tracks = binder::find_service(*process, "tracks").remote;
    std::atomic<bool> died{false};
    tracks->link_to_death([&] { died = true; });
    std::thread listener([&] { process->serve(); });

    int wrong = 0;
    sp<IMemory> windows[8];
    for (std::uint32_t number = 0; number < std::size(windows); ++number) {
        binder::Parcel in;
        in.token(interface_name);
        in.u32(number);
        auto answer = tracks->call(get_track, in);
        const std::uint32_t expected = answer.u32();
        windows[number] = binder::memory_of(answer.object());
        if (sum(windows[number]->unsecurePointer(), track_bytes) != expected) ++wrong;
    }
    const auto heap = windows[0]->getMemory();
    for (const auto& window : windows)
        if (window->getMemory()->getBase() != heap->getBase()) ++wrong;
    std::cout << "tracks: " << std::size(windows)
              << ", with another sum than the server's: " << wrong
              << "\nbytes shared: " << std::size(windows) * track_bytes
              << ", by one map of a heap of " << heap->getSize()
              << "\nbytes copied: the calls and their answers\n";

    kill(server, SIGKILL);
    for (int i = 0; i < 1000 && !died; ++i)
        usleep(10000);
    process->stop();
    listener.join();
    std::error_code ec;
    (void)tracks->call(get_track, binder::Parcel(), ec);
    std::uint32_t first = 0;
    std::memcpy(&first, windows[7]->unsecurePointer(), sizeof(first));
    std::cout << "the server was killed; the client was notified: " << (died ? "yes" : "no")
              << "; another call: " << ec.message()
              << "; the last track is still there: " << (first == 7 ? "yes" : "no") << '\n';
    return wrong == 0 && died && ec.value() == EPIPE && first == 7 ? 0 : 1;
}

} // namespace

int main(int argc, char* argv[]) {
    if (argc > 2) {
        std::cerr << "usage: binder-pair [DEVICE]\n";
        return 2;
    }
    const std::string device = argc > 1 ? argv[1] : "/dev/binder";
    const pid_t manager = start([&](const auto& ready) {
        const auto process = binder::Process::open(device);
        process->become_context_manager(std::make_shared<binder::ServiceManager>());
        ready();
        process->serve();
    });
    const pid_t server = start([&](const auto& ready) {
        const auto process = binder::Process::open(device);
        binder::add_service(*process, "tracks", {std::make_shared<Tracks>(), nullptr});
        ready();
        process->serve();
    });
    int result = 1;
    try {
        result = client(device, server);
    } catch (const std::exception& error) {
        std::cerr << "binder-pair: " << error.what() << '\n';
    }
    for (const pid_t process : {manager, server}) {
        kill(process, SIGKILL);
        waitpid(process, nullptr, 0);
    }
    return result;
}
