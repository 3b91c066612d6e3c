// SPDX-License-Identifier: Apache-2.0
// The results channel: a serial line that carries the command's output byte for
// byte, and our own records as lines that begin with "#vm ".
#include <termios.h>

#include "guest.hpp"

namespace vm {

Channel::Channel(const std::string& tty) : fd_{tty.c_str(), O_RDWR | O_NOCTTY} {
    termios mode{};
    if (!fd_ || ::tcgetattr(fd_.get(), &mode) != 0) return;
    // A line in cooked mode would turn \n into \r\n.
    ::cfmakeraw(&mode);
    mode.c_cflag |= CLOCAL;
    ::tcsetattr(fd_.get(), TCSANOW, &mode);
}

void Channel::record(const std::string& text) const {
    fd_.write_all("#vm " + text + "\n");
}

void Channel::drain() const {
    ::tcdrain(fd_.get());
}

} // namespace vm
