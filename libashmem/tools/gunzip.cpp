// SPDX-License-Identifier: Apache-2.0
// Inflates a file in memory: /proc/config.gz, which is about 300 KB of text.
#include "gunzip.hpp"

#include <zlib.h>

namespace tool {
namespace {

constexpr std::size_t largest_text = std::size_t{4} << 20;
constexpr int gzip_header = 16; // added to the window's bits

bool inflate_into(std::string& text, std::string& compressed) {
    z_stream stream{};
    if (inflateInit2(&stream, MAX_WBITS + gzip_header) != Z_OK) return false;
    stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
    stream.avail_in = static_cast<uInt>(compressed.size());
    stream.next_out = reinterpret_cast<Bytef*>(text.data());
    stream.avail_out = static_cast<uInt>(text.size());
    const bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
    text.resize(stream.total_out);
    inflateEnd(&stream);
    return whole;
}

} // namespace

std::optional<std::string> gunzip(std::string compressed) {
    std::string text(largest_text, '\0');
    if (compressed.size() > largest_text || !inflate_into(text, compressed)) return {};
    return text;
}

} // namespace tool
