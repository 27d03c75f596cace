// What the machine can do, measured with bare code and no MPI: the yardstick for the other figures.
//
//   line_handoff    one cache line from core to core, one way
//   futex_wake      from FUTEX_WAKE to the woken process running, on one core and across two
//   memcpy          from one buffer to another, by one core
//   vm_readv        process_vm_readv from another process
//   pipeline        a message through slots in shared memory, both cores copying, one way; the best
//                   of a few slot sizes and numbers (what it depends on: see pipeline.cpp)
//   pipeline_rate   the same as a stream of messages, in one direction
//   tcp             ping-pong over the loopback, one way, with spinning and with blocking receive
//   tcp_stream      the same as a stream of messages, each a send of its own, in one direction
//
// Two processes bound to two cores (--cpus A,B); one core is enough for what needs only one.
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string_view>
#include <vector>

#include "limits.hpp"

namespace limits {

Options g_options;

double now_s() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

void bind(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) fail("sched_setaffinity");
}

void* share(std::size_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) fail("mmap");
    return memory;
}

Child::Child(int cpu, const std::function<void()>& body) {
    std::fflush(stdout);
    pid_ = fork();
    if (pid_ < 0) fail("fork");
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bind(cpu);
    body();
    _exit(0);
}

Child::~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

Sample measure(int repetitions, long count, const std::function<void(long)>& body) {
    std::vector<double> times_us;
    body(std::max(1L, count / 10));
    for (int r = 0; r < repetitions; ++r) {
        const double start_s = now_s();
        body(count);
        times_us.push_back((now_s() - start_s) * 1e6 / static_cast<double>(count));
    }
    std::sort(times_us.begin(), times_us.end());
    return {times_us.front(), times_us[times_us.size() / 2]};
}

int repetitions() {
    return g_options.smoke ? 3 : 60;
}

void print_time(const char* labels, Sample sample, double parts) {
    std::printf("metric %s value=%.4g min=%.4g unit=us\n", labels, sample.median_us / parts,
                sample.min_us / parts);
    std::fflush(stdout);
}

void print_rate(const char* labels, std::size_t bytes, Sample sample) {
    std::printf("metric %s bytes=%zu value=%.5g max=%.5g unit=MB/s\n", labels, bytes,
                static_cast<double>(bytes) / sample.median_us,
                static_cast<double>(bytes) / sample.min_us);
    std::fflush(stdout);
}

}  // namespace limits

namespace {

using namespace limits;

constexpr std::size_t kLargest = 4u << 20;

struct Shared {
    alignas(kLine) std::atomic<std::uint64_t> ping;
    alignas(kLine) std::atomic<std::uint64_t> pong;
    alignas(kLine) std::atomic<std::uint32_t> word_a;
    alignas(kLine) std::atomic<std::uint32_t> word_b;
};

Shared* g_shared = nullptr;

void line_handoff() {
    g_shared->ping.store(0);
    g_shared->pong.store(0);
    const Child echo(g_options.cpu_b, [] {
        for (std::uint64_t i = 1;; ++i) {
            while (g_shared->ping.load(std::memory_order_acquire) != i) relax();
            g_shared->pong.store(i, std::memory_order_release);
        }
    });
    std::uint64_t i = 0;
    const Sample sample = measure(repetitions(), 2000, [&](long count) {
        for (long k = 0; k < count; ++k) {
            g_shared->ping.store(++i, std::memory_order_release);
            while (g_shared->pong.load(std::memory_order_acquire) != i) relax();
        }
    });
    print_time("name=line_handoff", sample, 2);
}

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t old) {
    while (word.load(std::memory_order_acquire) == old) {
        syscall(SYS_futex, &word, FUTEX_WAIT, old, nullptr, nullptr, 0);
    }
}

void futex_post(std::atomic<std::uint32_t>& word, std::uint32_t value) {
    word.store(value, std::memory_order_release);
    syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void futex_wake(const char* labels, int cpu) {
    g_shared->word_a.store(0);
    g_shared->word_b.store(0);
    const Child echo(cpu, [] {
        for (std::uint32_t i = 1;; ++i) {
            futex_wait(g_shared->word_a, i - 1);
            futex_post(g_shared->word_b, i);
        }
    });
    std::uint32_t i = 0;
    const Sample sample = measure(repetitions() / 3, 100, [&](long count) {
        for (long k = 0; k < count; ++k) {
            futex_post(g_shared->word_a, i + 1);
            futex_wait(g_shared->word_b, i++);
        }
    });
    print_time(labels, sample, 2);
}

void copies() {
    std::vector<unsigned char> from(kLargest, 1), to(kLargest, 2);
    for (const std::size_t bytes : {64u << 10, 256u << 10, 1u << 20, 4u << 20}) {
        const long count = static_cast<long>(std::max<std::size_t>(1, (8u << 20) / bytes));
        print_rate("name=memcpy", bytes, measure(repetitions(), count, [&](long n) {
                       for (long k = 0; k < n; ++k) {
                           std::memcpy(to.data(), from.data(), bytes);
                           asm volatile("" : : "r"(to.data()), "r"(from.data()) : "memory");
                       }
                   }));
    }
}

void vm_readv() {
    std::vector<unsigned char> from(kLargest, 1), to(kLargest, 2);
    g_shared->ping.store(0);
    const Child owner(g_options.cpu_b, [] {
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        g_shared->ping.store(1, std::memory_order_release);
        for (;;) pause();
    });
    while (g_shared->ping.load(std::memory_order_acquire) != 1) sched_yield();
    for (const std::size_t bytes : {8u << 10, 64u << 10, 256u << 10, 1u << 20, 4u << 20}) {
        const iovec here{to.data(), bytes};
        const iovec there{from.data(), bytes};
        if (process_vm_readv(owner.pid(), &here, 1, &there, 1, 0) != static_cast<ssize_t>(bytes)) {
            std::printf("skipped name=vm_readv reason=%s\n", std::strerror(errno));
            return;
        }
        const long count = static_cast<long>(std::max<std::size_t>(1, (2u << 20) / bytes));
        print_rate("name=vm_readv", bytes, measure(repetitions(), count, [&](long n) {
                       for (long k = 0; k < n; ++k) {
                           if (process_vm_readv(owner.pid(), &here, 1, &there, 1, 0) < 0) {
                               fail("process_vm_readv");
                           }
                       }
                   }));
    }
}

// The first two CPUs that this process may use; the same twice where there is only one.
void choose_cores() {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) fail("sched_getaffinity");
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) continue;
        g_options.cpu_b = cpu;
        if (g_options.cpu_a >= 0) return;
        g_options.cpu_a = cpu;
    }
}

}  // namespace

// --hosts: TCP alone, between two hosts that are network namespaces of these processes.
// --handoff: that figure alone, in a few milliseconds; it tells how close the cores are just now.
int main(int argc, char** argv) {
    bool handoff_alone = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--smoke") {
            g_options.smoke = true;
        } else if (word == "--cpus" && i + 1 < argc &&
                   std::sscanf(argv[i + 1], "%d,%d", &g_options.cpu_a, &g_options.cpu_b) == 2) {
            ++i;
        } else if (word == "--handoff") {
            handoff_alone = true;
        } else if (word == "--hosts" && i + 2 < argc &&
                   std::sscanf(argv[i + 1], "%d,%d", &g_options.host_a, &g_options.host_b) == 2) {
            g_options.address = argv[i + 2];
            i += 2;
        } else {
            std::fprintf(
                stderr,
                "usage: limits [--smoke] [--handoff] [--cpus A,B] [--hosts PID,PID ADDRESS]\n");
            return 2;
        }
    }
    if (g_options.cpu_a < 0) choose_cores();
    const bool two_cores = g_options.cpu_a != g_options.cpu_b;
    g_shared = new (share(sizeof(Shared))) Shared;
    bind(g_options.cpu_a);
    if (two_cores) line_handoff();
    if (handoff_alone) return 0;
    if (g_options.address != nullptr) {
        tcp();
        return 0;
    }
    futex_wake("name=futex_wake kind=same_core", g_options.cpu_a);
    if (two_cores) futex_wake("name=futex_wake kind=cross_core", g_options.cpu_b);
    copies();
    vm_readv();
    if (two_cores) {
        pipelines();
        tcp();
    }
    return 0;
}
