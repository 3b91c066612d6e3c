// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * MemoryFile's streams, as Android's getInputStream() and getOutputStream().
 *
 * Both keep a position of their own, neither grows the file, and both tell by
 * badbit that the bytes were dropped or the file closed. Mark, reset and skip are
 * tellg(), seekg() and ignore(); at the end reading gives eof and writing badbit.
 */
#pragma once

#include <algorithm>
#include <array>
#include <ashmem/memory_file.hpp>
#include <istream>
#include <ostream>
#include <streambuf>

namespace ashmem {

/** A MemoryFile as a stream buffer; the file must outlive it, and not be moved meanwhile. */
class MemoryFileBuffer : public std::streambuf {
public:
    explicit MemoryFileBuffer(MemoryFile& file) : file_(file) {}

protected:
    int_type underflow() override {
        position_ = read_position();
        const int count = std::min(static_cast<int>(buffer_.size()), file_.length() - position_);
        setg(buffer_.data(), buffer_.data(), buffer_.data());
        if (count <= 0) return traits_type::eof();
        file_.readBytes(std::as_writable_bytes(std::span(buffer_)), position_, 0, count);
        position_ += count;
        setg(buffer_.data(), buffer_.data(), buffer_.data() + count);
        return traits_type::to_int_type(*gptr());
    }

    // What was read ahead is no longer what the file holds.
    std::streamsize xsputn(const char* text, std::streamsize length) override {
        seek(read_position());
        const auto room = static_cast<std::streamsize>(file_.length() - position_);
        const auto count = static_cast<int>(std::min(length, room));
        file_.writeBytes(std::as_bytes(std::span(text, static_cast<std::size_t>(count))), 0,
                         position_, count);
        position_ += count;
        return count;
    }

    int_type overflow(int_type character) override {
        if (traits_type::eq_int_type(character, traits_type::eof())) return 0;
        const char one = traits_type::to_char_type(character);
        return xsputn(&one, 1) == 1 ? character : traits_type::eof();
    }

    pos_type seekoff(off_type offset, std::ios_base::seekdir from,
                     std::ios_base::openmode) override {
        const off_type base = from == std::ios_base::beg   ? 0
                              : from == std::ios_base::end ? file_.length()
                                                           : read_position();
        // offsets of a seek are any number: compare without adding
        if (offset < -base || offset > file_.length() - base) return pos_type(off_type(-1));
        seek(static_cast<int>(base + offset));
        return position_;
    }

    pos_type seekpos(pos_type position, std::ios_base::openmode which) override {
        return seekoff(off_type(position), std::ios_base::beg, which);
    }

    std::streamsize showmanyc() override {
        const int left = file_.length() - read_position();
        return left > 0 ? left : -1;
    }

private:
    [[nodiscard]] int read_position() const {
        return position_ - static_cast<int>(egptr() - gptr());
    }
    void seek(int position) {
        position_ = position;
        setg(buffer_.data(), buffer_.data(), buffer_.data());
    }

    MemoryFile& file_;
    int position_ = 0; // of the file, at the end of what was read ahead
    std::array<char, 4096> buffer_{};
};

/** Reads a MemoryFile from its start; the file must outlive it. */
class MemoryFileInputStream : public std::istream {
public:
    explicit MemoryFileInputStream(MemoryFile& file) : std::istream(nullptr), buffer_(file) {
        rdbuf(&buffer_);
    }

private:
    MemoryFileBuffer buffer_;
};

/** Writes a MemoryFile from its start; the file must outlive it. */
class MemoryFileOutputStream : public std::ostream {
public:
    explicit MemoryFileOutputStream(MemoryFile& file) : std::ostream(nullptr), buffer_(file) {
        rdbuf(&buffer_);
    }

private:
    MemoryFileBuffer buffer_;
};

} // namespace ashmem
