// SPDX-License-Identifier: Apache-2.0
// Two processes share a region of records: one keeps the readings of weather stations in
// containers of std::pmr, the other one reads them in place. usage: records
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <ashmem/ashmem.hpp>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory_resource>
#include <string>
#include <vector>

namespace {

// Tenths of a degree, by the station's name.
using Readings = std::pmr::vector<std::int32_t>;
using Stations = std::pmr::map<std::pmr::string, Readings, std::less<>>;

// The contents of the region: the records, and the lock to change or read them.
struct Weather {
    explicit Weather(std::pmr::memory_resource* resource) : stations(resource) {}
    alignas(ashmem::SharedMutex) std::array<std::byte, sizeof(ashmem::SharedMutex)> lock{};
    Stations stations;
};

constexpr std::size_t region_bytes = std::size_t{1} << 20, hours = 24;
constexpr std::array names{"Reykjavik", "Ulaanbaatar", "Antananarivo, Ivato airport"};

std::int32_t reading(std::size_t station, std::size_t hour) {
    const auto from_noon = static_cast<std::int32_t>(hour) - 12;
    return static_cast<std::int32_t>(station) * 100 - from_noon * from_noon;
}

// Only this process changes the containers: they know its resource by address.
void measure(Weather& weather, std::size_t hour) {
    auto& mutex = ashmem::SharedMutex::attach_in(weather.lock);
    const auto lock = mutex.lock();
    for (std::size_t i = 0; i < names.size(); ++i)
        weather.stations[names[i]].push_back(reading(i, hour));
}

// The other process: receives the region's descriptor over the socket, and uses all but the
// lock through const.
int look(ashmem::Channel& channel) {
    const auto message = channel.receive();
    const auto resource =
        ashmem::RegionResource::attach(message.regions.at(0), ashmem::Prot::read_write);
    const auto& weather = resource->find<Weather>();
    auto* const bytes = resource->at<std::byte>(resource->offset_of(weather.lock.data()),
                                                sizeof(ashmem::SharedMutex));
    auto& mutex = ashmem::SharedMutex::attach_in({bytes, sizeof(ashmem::SharedMutex)});
    std::size_t wrong = 0;
    for (std::size_t hour = 0; hour < hours; ++hour) {
        const auto told = channel.receive();
        const auto lock = mutex.lock();
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto station = weather.stations.find(std::string_view(names[i]));
            const bool right = station != weather.stations.end() && station->second.size() > hour &&
                               station->second[hour] == reading(i, hour);
            if (!right) ++wrong;
        }
    }
    const auto lock = mutex.lock();
    for (const auto& [name, readings] : weather.stations)
        std::cout << name << ": " << readings.size() << " readings, the last one "
                  << readings.back() / 10.0 << '\n';
    std::cout << "at the writer's address: " << (resource->has_its_address() ? "yes" : "no")
              << "; records that were wrong: " << wrong << std::endl;
    return wrong == 0 ? 0 : 1;
}

int run() {
    auto [ours, theirs] = ashmem::Channel::pair();
    const pid_t child = fork(); // before there is a region
    if (child == 0) {
        ours = ashmem::Channel();
        return look(theirs);
    }
    theirs = ashmem::Channel();

    const auto regions = std::array{ashmem::Region::create("weather", region_bytes)};
    const auto resource = ashmem::RegionResource::create(regions[0]);
    auto& weather =
        *std::pmr::polymorphic_allocator<>(resource.get()).new_object<Weather>(resource.get());
    ashmem::SharedMutex::create_in(weather.lock);
    resource->publish(weather);
    ours.send({}, regions);
    for (std::size_t hour = 0; hour < hours; ++hour) {
        measure(weather, hour);
        ours.send({}); // there is one more
    }
    int status = -1;
    waitpid(child, &status, 0);
    std::cout << "used of the region's " << resource->size() << " bytes: " << resource->used()
              << '\n';
    return status == 0 ? 0 : 1;
}

} // namespace

int main() {
    try {
        return run();
    } catch (const std::exception& error) {
        std::cerr << "records: " << error.what() << '\n';
        return 1;
    }
}
