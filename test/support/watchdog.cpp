#include "test/support/watchdog.hpp"

#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace mpitest {
namespace {

constexpr int kDefaultTimeoutSeconds = 30;
// How long a rank that has printed its stack waits for the others to print theirs, before its death
// makes the launcher end the job.
constexpr int kGraceSeconds = 5;
constexpr int kDebuggerSeconds = 10;
constexpr int kStatusHung = 124;
constexpr int kSignal = SIGALRM;

// Read by the signal handler; written before the timer is armed.
timer_t timer_id;
std::atomic<const char*> current{nullptr};
int own_rank = -1;
int timeout_seconds = kDefaultTimeoutSeconds;
std::array<char, 16> own_pid_text{};

void print(const char* text) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
}

// Runs gdb on this process; all threads with their symbols, better than backtrace(). False if that
// is not possible here (no gdb, no ptrace rights); the caller then uses what it has.
bool print_stacks_with_debugger() {
    if (std::getenv("FATHOM_TEST_NO_GDB") != nullptr) return false;
    const pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        const int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(null, STDERR_FILENO);
        execlp("gdb", "gdb", "-nx", "-q", "-batch", "-p", own_pid_text.data(), "-ex",
               "thread apply all backtrace 24", nullptr);
        _exit(127);
    }
    prctl(PR_SET_PTRACER, child, 0, 0, 0);
    for (int tenth = 0; tenth < kDebuggerSeconds * 10; ++tenth) {
        int status = 0;
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        usleep(100'000);
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return false;
}

// Only async-signal-safe calls, save backtrace(), which is safe once it has loaded its library
// (watchdog_start sees to that). It never returns.
void on_timeout(int) {
    std::array<char, 256> line{};
    const char* what = current.load(std::memory_order_relaxed);
    std::snprintf(line.data(), line.size(), "\n[rank %d] WATCHDOG: %s did not end within %d s\n",
                  own_rank, what != nullptr ? what : "?", timeout_seconds);
    print(line.data());
    std::array<void*, 48> frames{};
    const int depth = backtrace(frames.data(), static_cast<int>(frames.size()));
    backtrace_symbols_fd(frames.data(), depth, STDERR_FILENO);
    if (!print_stacks_with_debugger()) print("(gdb cannot show more)\n");
    sleep(kGraceSeconds);
    _exit(kStatusHung);
}

void set_timer(int seconds) {
    itimerspec spec{};
    spec.it_value.tv_sec = seconds;
    timer_settime(timer_id, 0, &spec, nullptr);
}

}  // namespace

void watchdog_start(int rank) {
    own_rank = rank;
    std::snprintf(own_pid_text.data(), own_pid_text.size(), "%d", static_cast<int>(getpid()));
    if (const char* text = std::getenv("FATHOM_TEST_TIMEOUT");
        text != nullptr && std::atoi(text) > 0)
        timeout_seconds = std::atoi(text);

    std::array<void*, 2> frames{};
    backtrace(frames.data(), static_cast<int>(frames.size()));

    struct sigaction action {};
    action.sa_handler = on_timeout;
    sigaction(kSignal, &action, nullptr);

    // To this thread, not to the process: the stack that matters is the test's.
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = kSignal;
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
    if (timer_create(CLOCK_MONOTONIC, &event, &timer_id) != 0)
        std::perror("watchdog: timer_create");
}

void watchdog_arm(const char* what) {
    current.store(what, std::memory_order_relaxed);
    set_timer(timeout_seconds);
}

void watchdog_disarm() {
    set_timer(0);
}

}  // namespace mpitest
