// SPDX-License-Identifier: Apache-2.0
// Unix sockets by bare system calls: what a peer may send, whatever the library would.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <ashmem/unique_fd.hpp>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace test {

// Two connected sockets of SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM.
std::pair<ashmem::unique_fd, ashmem::unique_fd> socket_pair(int type);

// Sends these bytes with these descriptors, all by one call.
void send_raw(int socket, std::span<const std::byte> bytes, const std::vector<int>& fds = {});

// Reads and drops what is there, without waiting for more.
void drain(int socket);

// Whether poll() says so now.
bool readable(int socket);
bool writable(int socket);

void set_nonblocking(int socket);

// How many descriptors this process has, by /proc/self/fd.
std::size_t open_descriptors();

// From now on this process gets so many new descriptors and no more.
void leave_numbers(std::size_t count);

// Runs work in a child, as in_child() does, that is killed if it does not end: 142.
int in_time(const std::function<int()>& work);

// The calling thread, for those below.
pid_t this_thread();
// Waits until a thread sleeps in a system call.
void wait_until_asleep(pid_t thread);
// Interrupts a thread so many times, each time once it sleeps: the call that it sleeps in
// ends with EINTR.
void interrupt(pid_t thread, int times);

} // namespace test
