/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Android's error numbers, as far as its memory classes speak of them: 0, or a
 * negative errno.
 */
#pragma once

#include <cerrno>
#include <cstdint>

namespace android {

using status_t = std::int32_t;

enum : status_t {
    OK = 0,
    NO_ERROR = 0,
    NO_MEMORY = -ENOMEM,
    INVALID_OPERATION = -ENOSYS,
    BAD_VALUE = -EINVAL,
    NAME_NOT_FOUND = -ENOENT,
    PERMISSION_DENIED = -EPERM,
    NO_INIT = -ENODEV,
    ALREADY_EXISTS = -EEXIST,
    DEAD_OBJECT = -EPIPE,
};

} // namespace android
