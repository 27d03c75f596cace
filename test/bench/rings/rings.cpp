// Measures the main design choice of the shm device with bare code, without MPI: how two processes
// hand small messages to each other through 128-byte cells in shared memory.
//
//   spsc        one ring per ordered pair; a per-cell sequence word is the only flag, written by a
//               release store; the consumer publishes its index every quarter of the ring and the
//               producer keeps a cached copy, so that a message costs one cache line each way.
//   spsc+load   the same, then a plain load of the receiver's state word (is it asleep?).
//   spsc+fence  the same with a full fence between publishing and that load, which the textbook
//               sleeping-receiver check (store, fence, load) asks for.
//   mpsc-cas    one bounded queue per receiver (D. Vyukov's), slots claimed by compare-and-swap.
//   mpsc-add    the same, slots claimed by fetch_add (never fails, waits for its slot instead).
//
// Measured: the cost of a send and its receive by one process alone (instructions and fences, no
// coherence traffic), one-way latency of 8 bytes in a ping-pong, the same while the receiver also
// looks at idle rings of other senders, the rate of a stream from one sender, and from three
// senders to one receiver (the senders share the second core: one that finds its ring full looks
// kSpins times, then yields).
// Every figure is a minimum and a median over many short repetitions: other load only adds time.
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <string_view>
#include <vector>

#include "test/bench/rings/rings.hpp"

namespace {

using namespace rings;

constexpr int kMaxRings = 64;   // rings that one receiver can look at
constexpr int kMaxSenders = 3;  // of the many-to-one streams
constexpr int kSkipped = 77;    // exit status that Meson takes for a skipped test
constexpr int kSpins = 200;     // of a sender at a full ring, before it yields

double now_seconds() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Shared {
    SpscRing spsc[kMaxRings];  // to process 0, one per sender
    SpscRing spsc_back;        // to process 1
    MpscQueue mpsc;            // to process 0
    MpscQueue mpsc_back;       // to process 1
    StateWord state;
    alignas(kCellBytes) std::atomic<std::uint64_t> go;  // number of the stream repetition to send
};

struct Settings {
    int core_a = -1;
    int core_b = -1;
    int repetitions = 300;
    std::uint64_t round_trips = 1000;  // per repetition
    std::uint64_t messages = 20000;    // per repetition and sender
};

struct Sample {
    double minimum;
    double median;
};

Sample summarise(std::vector<double>& values) {
    std::sort(values.begin(), values.end());
    return {values.front(), values[values.size() / 2]};
}

void pin(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(core), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) std::perror("sched_setaffinity");
}

void reset(Shared& shared) {
    for (SpscRing& ring : shared.spsc) ring.reset();
    shared.spsc_back.reset();
    shared.mpsc.reset();
    shared.mpsc_back.reset();
    shared.state.state.store(0);
    shared.go.store(0);
}

// Runs `body` in a child on `core`. The child dies with its parent.
template <typename Body>
pid_t spawn(int core, Body body) {
    std::fflush(stdout);
    const pid_t pid = fork();
    if (pid < 0) {
        std::perror("fork");
        std::exit(1);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(core);
        body();
        _exit(0);
    }
    return pid;
}

void reap(pid_t pid) {
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        std::fprintf(stderr, "rings: a process failed (wait status %d)\n", status);
        std::exit(1);
    }
}

template <typename Sender>
void send(Sender& sender, std::uint64_t value) {
    while (!sender.try_send(value)) relax();
}

void expect(std::uint64_t got, std::uint64_t want) {
    if (got == want) return;
    std::fprintf(stderr, "rings: received %llu instead of %llu\n",
                 static_cast<unsigned long long>(got), static_cast<unsigned long long>(want));
    std::_Exit(1);
}

// A receiver that visits `rings` in turn; only the last of them ever has a message.
template <typename Receiver>
std::uint64_t receive_any(std::vector<Receiver>& receivers) {
    std::uint64_t value = 0;
    for (;;) {
        for (Receiver& receiver : receivers) {
            if (receiver.try_receive(value)) return value;
        }
        relax();
    }
}

// Nanoseconds of a send and its receive by one process: what the instructions cost by themselves.
template <typename Sender, typename Receiver, typename Inbox>
Sample alone(const Settings& settings, Shared& shared, Inbox& inbox) {
    Sender sender(inbox, shared.state);
    std::vector<Receiver> receivers{Receiver(inbox)};
    std::vector<double> nanoseconds;
    for (int repetition = 0; repetition < settings.repetitions; ++repetition) {
        const double start = now_seconds();
        for (std::uint64_t i = 0; i < settings.messages; ++i) {
            send(sender, i);
            expect(receive_any(receivers), i);
        }
        const double elapsed = now_seconds() - start;
        nanoseconds.push_back(elapsed * 1e9 / static_cast<double>(settings.messages));
    }
    return summarise(nanoseconds);
}

// One-way nanoseconds of an 8-byte message, process 0 on core a against process 1 on core b.
template <typename Sender, typename Receiver, typename Inbox, typename Outbox>
Sample ping_pong(const Settings& settings, Shared& shared, Inbox& inbox, Outbox& outbox,
                 std::vector<Receiver> receivers) {
    const auto repetitions = static_cast<std::uint64_t>(settings.repetitions);
    const std::uint64_t total = (repetitions + 1) * settings.round_trips;
    const pid_t child = spawn(settings.core_b, [&] {
        std::vector<Receiver> mine{Receiver(outbox)};
        Sender reply(inbox, shared.state);
        for (std::uint64_t i = 0; i < total; ++i) send(reply, receive_any(mine));
    });
    Sender sender(outbox, shared.state);
    std::vector<double> one_way_ns;
    std::uint64_t number = 0;
    for (std::uint64_t repetition = 0; repetition <= repetitions; ++repetition) {
        const double start = now_seconds();
        for (std::uint64_t i = 0; i < settings.round_trips; ++i) {
            send(sender, ++number);
            expect(receive_any(receivers), number);
        }
        const double elapsed = now_seconds() - start;
        if (repetition > 0) {  // the first warms up
            one_way_ns.push_back(elapsed * 1e9 / static_cast<double>(2 * settings.round_trips));
        }
    }
    reap(child);
    return summarise(one_way_ns);
}

// Million messages per second into process 0, all senders together on core b.
template <typename Sender, typename Receiver, typename Inbox>
Sample stream(const Settings& settings, Shared& shared, Inbox* inboxes, int inbox_count,
              int sender_count) {
    std::vector<pid_t> children;
    const auto repetitions = static_cast<std::uint64_t>(settings.repetitions);
    for (int s = 0; s < sender_count; ++s) {
        Inbox& inbox = inboxes[inbox_count == 1 ? 0 : s];
        children.push_back(spawn(settings.core_b, [&] {
            Sender sender(inbox, shared.state);
            for (std::uint64_t r = 1; r <= repetitions + 1; ++r) {
                while (shared.go.load(std::memory_order_acquire) < r) sched_yield();
                for (std::uint64_t i = 0; i < settings.messages; ++i) {
                    for (int spins = 0; !sender.try_send(i);) {
                        if (sender_count == 1 || ++spins < kSpins) {
                            relax();
                        } else {
                            spins = 0;
                            sched_yield();
                        }
                    }
                }
            }
        }));
    }
    std::vector<Receiver> receivers;
    for (int i = 0; i < inbox_count; ++i) receivers.emplace_back(inboxes[i]);
    std::vector<double> nanoseconds;
    for (std::uint64_t r = 1; r <= repetitions + 1; ++r) {
        const std::uint64_t total = settings.messages * static_cast<std::uint64_t>(sender_count);
        std::uint64_t received = 0;
        std::uint64_t sum = 0;
        const double start = now_seconds();
        shared.go.store(r, std::memory_order_release);
        while (received < total) {
            std::uint64_t value = 0;
            bool any = false;
            for (Receiver& receiver : receivers) {
                // A few from each ring in turn, as a progress loop with a budget would.
                for (int budget = 0; budget < 8 && receiver.try_receive(value); ++budget) {
                    sum += value;
                    ++received;
                    any = true;
                }
            }
            if (!any) relax();
        }
        const double elapsed = now_seconds() - start;
        expect(sum, static_cast<std::uint64_t>(sender_count) * settings.messages *
                        (settings.messages - 1) / 2);
        if (r > 1) nanoseconds.push_back(elapsed * 1e9 / static_cast<double>(total));
    }
    for (const pid_t child : children) reap(child);
    return summarise(nanoseconds);
}

std::vector<SpscReceiver> spsc_receivers(Shared& shared, int rings) {
    std::vector<SpscReceiver> receivers;  // the active ring, number 0, is visited last
    for (int i = rings - 1; i >= 0; --i) receivers.emplace_back(shared.spsc[i]);
    return receivers;
}

void print(const char* name, const char* what, Sample ns) {
    std::printf("%-12s %-34s %9.1f %9.1f %12.1f\n", name, what, ns.minimum, ns.median,
                1e3 / ns.minimum);
    std::fflush(stdout);
}

template <Check check>
void run_spsc(const Settings& settings, Shared& shared, const char* name) {
    using Sender = SpscSender<check>;
    reset(shared);
    print(name, "send + receive, one process",
          alone<Sender, SpscReceiver>(settings, shared, shared.spsc[0]));
    reset(shared);
    print(name, "ping-pong, one way",
          ping_pong<Sender>(settings, shared, shared.spsc[0], shared.spsc_back,
                            spsc_receivers(shared, 1)));
    reset(shared);
    print(name, "stream, 1 sender",
          stream<Sender, SpscReceiver>(settings, shared, shared.spsc, 1, 1));
    reset(shared);
    print(name, "stream, 3 senders",
          stream<Sender, SpscReceiver>(settings, shared, shared.spsc, kMaxSenders, kMaxSenders));
}

template <typename Sender>
void run_mpsc(const Settings& settings, Shared& shared, const char* name) {
    reset(shared);
    print(name, "send + receive, one process",
          alone<Sender, MpscReceiver>(settings, shared, shared.mpsc));
    reset(shared);
    print(name, "ping-pong, one way",
          ping_pong<Sender>(settings, shared, shared.mpsc, shared.mpsc_back,
                            std::vector<MpscReceiver>{MpscReceiver(shared.mpsc)}));
    reset(shared);
    print(name, "stream, 1 sender",
          stream<Sender, MpscReceiver>(settings, shared, &shared.mpsc, 1, 1));
    reset(shared);
    print(name, "stream, 3 senders",
          stream<Sender, MpscReceiver>(settings, shared, &shared.mpsc, 1, kMaxSenders));
}

void run_idle_rings(const Settings& settings, Shared& shared) {
    for (const int rings : {2, 4, 16, kMaxRings}) {
        reset(shared);
        char what[64];
        std::snprintf(what, sizeof what, "ping-pong, receiver polls %d rings", rings);
        print("spsc", what,
              ping_pong<SpscSender<Check::kNone>>(settings, shared, shared.spsc[0],
                                                  shared.spsc_back, spsc_receivers(shared, rings)));
    }
}

// The first two CPUs that this process may use, unless the user named two.
bool choose_cores(Settings& settings) {
    cpu_set_t allowed;
    if (settings.core_a >= 0) return settings.core_a != settings.core_b;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
    for (int cpu = 0; cpu < CPU_SETSIZE && settings.core_b < 0; ++cpu) {
        if (!CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) continue;
        (settings.core_a < 0 ? settings.core_a : settings.core_b) = cpu;
    }
    return settings.core_b >= 0;
}

int usage() {
    std::fprintf(stderr, "usage: rings [--quick] [--cores A,B]\n");
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--quick") {
            settings.repetitions = 5;
        } else if (word == "--cores" && i + 1 < argc &&
                   std::sscanf(argv[i + 1], "%d,%d", &settings.core_a, &settings.core_b) == 2) {
            ++i;
        } else {
            return usage();
        }
    }
    if (!choose_cores(settings)) {
        std::fprintf(stderr, "rings: needs two cores\n");
        return kSkipped;
    }
    void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        std::perror("mmap");
        return 1;
    }
    auto& shared = *new (memory) Shared;
    pin(settings.core_a);
    std::printf("%-12s %-34s %9s %9s %12s\n", "ring", "case", "min ns", "median ns", "max Mmsg/s");
    run_spsc<Check::kNone>(settings, shared, "spsc");
    run_spsc<Check::kLoad>(settings, shared, "spsc+load");
    run_spsc<Check::kFence>(settings, shared, "spsc+fence");
    run_mpsc<MpscCasSender>(settings, shared, "mpsc-cas");
    run_mpsc<MpscAddSender>(settings, shared, "mpsc-add");
    run_idle_rings(settings, shared);
    munmap(memory, sizeof(Shared));
    return 0;
}
