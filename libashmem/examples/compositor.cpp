// SPDX-License-Identifier: Apache-2.0
// A frame buffer: four clients draw into regions of their own, and at each tick a
// compositor reads the regions in place and puts the frames side by side.
// usage: compositor [TICKS [DIRECTORY]]: every 30th frame becomes a PNG there
#include <png.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <ashmem/ashmem.hpp>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::uint32_t width = 1280, height = 720, clients = 4, ticks_a_second = 60;
constexpr std::uint32_t picture_every = 30;
constexpr std::size_t frame_bytes = std::size_t{width} * height * sizeof(std::uint32_t);

using Pixels = std::span<std::uint32_t>;
using ConstPixels = std::span<const std::uint32_t>;

// What a client shows at a tick: a gradient of its own colour, and a bar that moves.
std::uint32_t pixel(std::uint32_t client, std::uint32_t tick, std::uint32_t x, std::uint32_t y) {
    const std::uint32_t bar = (tick * 8 + client * 160) % width;
    if (x - bar < 40) return 0xffffffff;
    const std::uint32_t shade = (x * 160 / width + y * 95 / height) & 0xff;
    const std::uint32_t colour = (shade << (client % 3 * 8)) | (client == 3 ? shade << 8 : 0);
    return 0xff000000 | colour; // alpha, blue, green, red
}

void draw(Pixels frame, std::uint32_t client, std::uint32_t tick) {
    for (std::uint32_t y = 0; y < height; ++y)
        for (std::uint32_t x = 0; x < width; ++x)
            frame[std::size_t{y} * width + x] = pixel(client, tick, x, y);
}

std::span<const std::byte> bytes_of(const std::uint32_t& number) {
    return std::as_bytes(std::span(&number, 1));
}

// A client keeps the only map for writing; receivers of the region can only read.
int draw_when_told(ashmem::Channel& channel, std::uint32_t client) {
    auto regions =
        std::array{ashmem::Region::create("frame " + std::to_string(client), frame_bytes)};
    auto mapping = regions[0].map(ashmem::Prot::read_write);
    regions[0].set_protection(ashmem::Prot::read);
    channel.send({}, regions);
    for (;;) {
        std::error_code ec;
        const auto order = channel.receive(ec);
        if (ec.value() == ECONNRESET) return 0; // the compositor is done
        std::uint32_t tick = 0;
        if (ec || order.data.size() != sizeof(tick)) return 1;
        std::memcpy(&tick, order.data.data(), sizeof(tick));
        draw(mapping.as<std::uint32_t>(), client, tick);
        channel.send(order.data);
    }
}

// Four quarters, each with every second pixel of every second line of a frame.
template <class Source>
void compose(Pixels out, Source source) {
    for (std::uint32_t y = 0; y < height; ++y)
        for (std::uint32_t x = 0; x < width; ++x) {
            const std::uint32_t client = y / (height / 2) * 2 + x / (width / 2);
            out[std::size_t{y} * width + x] =
                source(client, x % (width / 2) * 2, y % (height / 2) * 2);
        }
}

std::uint64_t hash(ConstPixels pixels) {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (const std::uint32_t pixel : pixels)
        sum = (sum ^ pixel) * 0x100000001b3;
    return sum;
}

bool write_picture(const std::string& path, ConstPixels pixels) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = width;
    image.height = height;
    image.format = PNG_FORMAT_RGBA;
    if (png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr)) return true;
    std::cerr << path << ": " << image.message << '\n';
    return false;
}

struct Client {
    pid_t process = -1;
    ashmem::Channel channel;
    ashmem::Mapping frame;
};

Client start(std::uint32_t number) {
    auto [ours, theirs] = ashmem::Channel::pair();
    const pid_t process = fork();
    if (process == 0) {
        ours = ashmem::Channel();
        _exit(draw_when_told(theirs, number));
    }
    theirs = ashmem::Channel();
    auto message = ours.receive();
    return {process, std::move(ours), message.regions.at(0).map(ashmem::Prot::read)};
}

int run(std::uint32_t ticks, const std::string& directory) {
    std::vector<Client> all;
    all.reserve(clients);
    for (std::uint32_t i = 0; i < clients; ++i)
        all.push_back(start(i));

    std::vector<ConstPixels> frames;
    frames.reserve(clients);
    for (const Client& client : all)
        frames.push_back(client.frame.as<std::uint32_t>());

    std::vector<std::uint32_t> out(std::size_t{width} * height), expected(out.size());
    std::uint32_t right = 0, late = 0;
    auto next = std::chrono::steady_clock::now();
    for (std::uint32_t tick = 0; tick < ticks; ++tick) {
        for (auto& client : all)
            client.channel.send(bytes_of(tick));
        for (auto& client : all)
            (void)client.channel.receive();
        compose(out, [&](auto client, auto x, auto y) {
            return frames[client][std::size_t{y} * width + x];
        });
        // The same picture, drawn here without any region.
        compose(expected, [&](auto client, auto x, auto y) { return pixel(client, tick, x, y); });
        if (hash(out) == hash(expected)) ++right;
        if (tick % picture_every == 0 && !directory.empty() &&
            !write_picture(directory + "/frame-" + std::to_string(tick) + ".png", out))
            return 1;
        next += std::chrono::microseconds(1000000 / ticks_a_second);
        if (std::chrono::steady_clock::now() > next) ++late;
        std::this_thread::sleep_until(next);
    }

    bool fine = right == ticks;
    // All of them first: a client holds copies of the earlier ones' ends.
    for (auto& client : all)
        client.channel = ashmem::Channel();
    for (auto& client : all) {
        int status = -1;
        waitpid(client.process, &status, 0);
        fine = fine && status == 0;
    }
    std::cout << "frames composed: " << ticks << ", with the expected hash: " << right
              << ", late: " << late << "\nbytes shared: " << clients * frame_bytes << " in "
              << clients << " regions, drawn anew " << ticks
              << " times\nbytes copied between processes: "
              << std::size_t{2} * ticks * clients * sizeof(std::uint32_t)
              << ", the ticks and their answers\n";
    return fine ? 0 : 1;
}

} // namespace

int main(int argc, char* argv[]) {
    const long ticks = argc > 1 ? std::strtol(argv[1], nullptr, 10) : long{2} * ticks_a_second;
    if (argc > 3 || ticks < 1 || ticks > 1000000) {
        std::cerr << "usage: compositor [TICKS [DIRECTORY]]\n";
        return 2;
    }
    try {
        return run(static_cast<std::uint32_t>(ticks), argc > 2 ? argv[2] : "");
    } catch (const std::exception& error) {
        std::cerr << "compositor: " << error.what() << '\n';
        return 1;
    }
}
