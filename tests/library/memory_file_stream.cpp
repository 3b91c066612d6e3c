// SPDX-License-Identifier: Apache-2.0
// MemoryFile's streams.
#include <array>
#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <sstream>
#include <string>

using ashmem::MemoryFile;
using ashmem::MemoryFileInputStream;
using ashmem::MemoryFileOutputStream;

TEST_CASE("MemoryFile's streams read back what they wrote, any byte of it", "[library][anywhere]") {
    MemoryFile file("file", 10000);
    std::string text;
    for (int i = 0; i < 10000; ++i)
        text += static_cast<char>(i * 7);
    MemoryFileOutputStream out(file);
    out << text.substr(0, 5000);
    out.put(text[5000]);
    out.write(text.data() + 5001, 4999);
    CHECK(out.good());
    MemoryFileInputStream in(file);
    CHECK(in.get() == static_cast<unsigned char>(text[0]));
    std::ostringstream rest;
    rest << in.rdbuf();
    CHECK(rest.str() == text.substr(1));
    CHECK(in.get() == std::char_traits<char>::eof());
    CHECK(in.eof());
}

TEST_CASE("MemoryFile's streams seek, skip, and end where the file does", "[library][anywhere]") {
    MemoryFile file("file", 100);
    MemoryFileOutputStream out(file);
    out.seekp(98);
    out << "abc";
    CHECK(out.bad());
    MemoryFileInputStream in(file);
    in.seekg(-2, std::ios::end);
    CHECK(in.tellg() == 98);
    CHECK(in.get() == 'a');
    const auto mark = in.tellg();
    CHECK(in.get() == 'b');
    CHECK(in.get() == std::char_traits<char>::eof());
    in.clear();
    in.seekg(mark);
    CHECK(in.get() == 'b');
    in.seekg(0);
    in.ignore(98);
    CHECK(in.get() == 'a');
    in.seekg(101);
    CHECK(in.fail());
    in.clear();
    in.seekg(-1);
    CHECK(in.fail());
}

TEST_CASE("a stream of a closed MemoryFile is bad", "[library][anywhere]") {
    MemoryFile file("file", 100);
    MemoryFileInputStream in(file);
    MemoryFileOutputStream out(file);
    file.close();
    CHECK(in.get() == std::char_traits<char>::eof());
    CHECK(in.bad());
    out << 'x';
    CHECK(out.bad());
}

TEST_CASE("MemoryFile's input stream tells how much is left", "[library][anywhere]") {
    MemoryFile file("file", 100);
    MemoryFileInputStream in(file);
    CHECK(in.rdbuf()->in_avail() == 100);
    CHECK(in.get() == 0);
    CHECK(in.rdbuf()->in_avail() == 99);
    std::array<char, 200> text{};
    CHECK(in.readsome(text.data(), text.size()) == 99);
    CHECK(in.good());
    CHECK(in.readsome(text.data(), text.size()) == 0);
    CHECK(in.eof());
}

TEST_CASE("a MemoryFile's buffer that is given the end for a character writes nothing",
          "[library][anywhere]") {
    struct Buffer : ashmem::MemoryFileBuffer {
        using MemoryFileBuffer::MemoryFileBuffer;
        using MemoryFileBuffer::overflow;
    };
    constexpr int end = std::char_traits<char>::eof();
    MemoryFile file("file", 1);
    Buffer buffer(file);
    CHECK(buffer.overflow(end) != end);
    CHECK(buffer.overflow('x') == 'x');
    CHECK(buffer.overflow('y') == end);
}
