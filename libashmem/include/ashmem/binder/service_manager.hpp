// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/binder/process.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace ashmem::binder {

/**
 * Who knows the services by their names: the context manager of a machine that has
 * none. It speaks android.os.IServiceManager as in Android 11 to 14, of which it
 * answers getService, checkService and addService.
 *
 * A service that died is forgotten. A name that is taken is given to who asks last, as
 * on Android; whoever can open the device may ask, which on Android a policy decides.
 *
 * Like every Object it is neither copied nor moved. It must be owned by a
 * std::shared_ptr: otherwise services that died stay known.
 */
class ASHMEM_API ServiceManager final : public Object,
                                        public std::enable_shared_from_this<ServiceManager> {
public:
    ServiceManager();
    ~ServiceManager() override;

    /** A name: 1 to 127 of a-z, A-Z, 0-9 and _-./ */
    [[nodiscard]] static bool is_name(std::string_view name) noexcept;

    [[nodiscard]] std::u16string interface() const override;
    std::int32_t answer(Call& call, Parcel& out) override;

private:
    struct ASHMEM_LOCAL Impl;
    [[nodiscard]] ASHMEM_LOCAL std::error_code add(const std::string& name, Reference service);

    std::unique_ptr<Impl> impl_;
};

/**
 * @{ Have others find a service by its name.
 *
 * Errors: EINVAL for what is no name, for null, and in the Process that is the context
 * manager, which knows its services without asking; ENXIO if there is no context manager;
 * those of Remote::call().
 */
ASHMEM_API void add_service(Process& process, std::string_view name, const Reference& service);
ASHMEM_API void add_service(Process& process, std::string_view name, const Reference& service,
                            std::error_code& ec);
/** @} */

/**
 * @{ Find a service by its name.
 *
 * Errors: ENOENT if nobody has that name; else as add_service().
 */
[[nodiscard]] ASHMEM_API Reference find_service(Process& process, std::string_view name);
[[nodiscard]] ASHMEM_API Reference find_service(Process& process, std::string_view name,
                                                std::error_code& ec);
/** @} */

} // namespace ashmem::binder
