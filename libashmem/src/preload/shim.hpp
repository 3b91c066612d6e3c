// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What a function that stands before one of libc's is made of.
 */
#pragma once

#include "real.hpp"

#define EXPORT extern "C" [[gnu::visibility("default")]]

// The next function of this one's name and type, called with these arguments.
#define NEXT(type, name, ...)                                               \
    [&] {                                                                   \
        static type* found = nullptr;                                       \
        return ashmem::preload::real::next<type>(name, found)(__VA_ARGS__); \
    }()
