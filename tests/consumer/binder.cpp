// SPDX-License-Identifier: Apache-2.0
// A Binder service as its author would write it; where there is no Binder it does not run.
#include <binder/MemoryHeapBase.h>

#include <ashmem/binder.hpp>
#include <system_error>

class Service final : public ashmem::binder::Object {
public:
    [[nodiscard]] std::u16string interface() const override { return u"consumer"; }
    std::int32_t answer(ashmem::binder::Call& call, ashmem::binder::Parcel& out) override {
        if (!call.in.token(interface())) return -1;
        out.i32(call.in.i32());
        return 0;
    }
};

int main() {
    const auto service = std::make_shared<Service>();
    const auto manager = std::make_shared<ashmem::binder::ServiceManager>();
    ashmem::binder::Parcel parcel;
    parcel.token(service->interface());
    parcel.object({manager, nullptr});
    ashmem::binder::Reader reader(parcel.data(), parcel.offsets());
    if (!reader.token(u"consumer") || !ashmem::binder::ServiceManager::is_name("tracks")) return 1;
    const auto heap = android::sp<android::MemoryHeapBase>::make(std::size_t{4096});
    if (!ashmem::binder::publish(heap)) return 2;

    std::error_code ec;
    const auto process = ashmem::binder::Process::open("/dev/null", ec);
    if (process || !ec) return 3;
    if (process) {
        ashmem::binder::add_service(*process, "tracks", {service, nullptr});
        ashmem::binder::find_service(*process, "tracks").remote->link_to_death([] {});
    }
    return 0;
}
