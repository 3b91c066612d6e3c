// SPDX-License-Identifier: Apache-2.0
// The first process has the threads of a program and leads; the other one follows.
#include "kfuzz/team.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <thread>

#include "kfuzz/actor.hpp"
#include "support/process.hpp"

namespace kfuzz {
namespace {

// Milliseconds: an emulated guest needs a second for a slow program.
constexpr int most_time = 200'000;

long must(long ret, const char* what) {
    if (ret < 0) throw std::system_error(errno, std::generic_category(), what);
    return ret;
}

void wait(sem_t& semaphore) {
    while (sem_wait(&semaphore) != 0 && errno == EINTR) {
    }
}

Board& make_board() {
    void* memory =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    Board& board = *new (memory) Board();
    for (sem_t& begin : board.begin)
        sem_init(&begin, 1, 0);
    sem_init(&board.lead, 1, 0);
    sem_init(&board.done, 1, 0);
    return board;
}

} // namespace

Team::Team(World& world, std::array<std::string, 2> groups,
           const std::vector<std::unique_ptr<Kcov>>& kcovs)
    : world_(world),
      groups_(std::move(groups)),
      kcovs_(kcovs),
      board_(make_board()),
      finished_(static_cast<int>(must(eventfd(0, EFD_CLOEXEC), "eventfd"))) {
    must(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets_.data()), "socketpair");
    processes_ = {start(&Team::leader), start(&Team::other)};
    std::ranges::transform(processes_, ends_.begin(), [](pid_t process) {
        return static_cast<int>(must(syscall(SYS_pidfd_open, process, 0), "pidfd_open"));
    });
}

Team::~Team() {
    for (const pid_t process : processes_) {
        if (process == 0) continue;
        kill(process, SIGKILL);
        waitpid(process, nullptr, 0);
    }
    for (const int fd : {ends_[0], ends_[1], sockets_[0], sockets_[1], finished_})
        close(fd);
    munmap(&board_, sizeof board_);
}

pid_t Team::start(void (Team::*work)()) {
    const auto child = static_cast<pid_t>(must(fork(), "fork"));
    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    test::write_file("/proc/self/oom_score_adj", "1000");
    (this->*work)();
    _exit(1);
}

Program Team::program() const {
    return {board_.program.begin(), board_.program.begin() + static_cast<long>(board_.steps)};
}

void Team::act(int number, Slots& slots, bool check) {
    const Kcov& kcov = *kcovs_[static_cast<std::size_t>(number)];
    Actor actor(number, world_, slots, groups_[number == other_process ? 1 : 0]);
    kcov.begin();
    world_.start_together(static_cast<int>(std::ranges::count(board_.there, true)));
    actor.run(program());
    if (check) actor.check_all();
    actor.unmap_all();
    if (check) slots.forget_all();
    kcov.end();
    sem_post(&board_.done);
}

void Team::actor_thread(int number, Slots& slots) {
    for (;;) {
        wait(board_.begin[static_cast<std::size_t>(number)]);
        act(number, slots, false);
    }
}

void Team::one_program(Slots& slots) {
    for (int region = 1; region < most_regions; ++region) {
        slots.open(0, region, O_RDWR);
        if (board_.there[other_process]) slots.pass(0, region);
    }
    for (std::size_t actor = 0; actor < most_actors; ++actor)
        if (board_.there[actor]) sem_post(&board_.begin[actor]);
    for (std::size_t actor = 0; actor < most_actors; ++actor)
        if (board_.there[actor]) wait(board_.done);
    // its coverage is that of actor 0, whose thread sleeps
    Actor(0, world_, slots, groups_[0]).check_all();
    slots.forget_all();
}

void Team::leader() {
    Slots slots(world_, sockets_[0], sockets_[1]);
    std::vector<std::thread> threads;
    threads.reserve(other_process);
    for (int actor = 0; actor < other_process; ++actor)
        threads.emplace_back([&, actor] { actor_thread(actor, slots); });
    for (;;) {
        wait(board_.lead);
        one_program(slots);
        eventfd_write(finished_, 1);
    }
}

void Team::other() {
    test::write_file(groups_[1] + "/cgroup.procs", "0");
    Slots slots(world_, sockets_[1], sockets_[0]);
    for (;;) {
        wait(board_.begin[other_process]);
        for (int region = 1; region < most_regions; ++region)
            slots.take(other_process, region);
        act(other_process, slots, true);
    }
}

Team::End Team::run(const Program& program) {
    board_.steps = std::min(program.size(), most_steps);
    std::copy_n(program.begin(), board_.steps, board_.program.begin());
    board_.there.fill(false);
    for (const Step& step : program)
        board_.there[static_cast<std::size_t>(step.actor)] = true;
    sem_post(&board_.lead);
    std::array<pollfd, 3> awaited{
        {{finished_, POLLIN, 0}, {ends_[0], POLLIN, 0}, {ends_[1], POLLIN, 0}}};
    if (poll(awaited.data(), awaited.size(), most_time) == 0) return End::hung;
    for (std::size_t i = 0; i < processes_.size(); ++i)
        if (awaited[i + 1].revents != 0) {
            waitpid(processes_[i], &status_, 0);
            processes_[i] = 0;
            return End::died;
        }
    eventfd_t count = 0;
    eventfd_read(finished_, &count);
    return End::well;
}

// Where each thread sleeps.
void Team::print_stacks() const {
    for (const pid_t process : processes_)
        for (const auto& task :
             std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task"))
            std::cout << "# " << task.path().string() << "\n"
                      << test::read_file(task.path().string() + "/stack") << std::flush;
}

} // namespace kfuzz
