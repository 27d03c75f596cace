// Runs every algorithm of every collective, and what the selection chooses, on growing numbers of
// simulated ranks, and prints the modelled times: a line of JSON for each. report.py makes a table
// and curves of them.
//
//     sim_sweep [--network fast|ethernet] [--each RANKS] [--from RANKS] [--most RANKS]
//               [--only COLLECTIVE] [--bytes B,…] [--messages N] [--memory MIB]
//
// What would need more messages or memory than the last two say is left out, and a line says so.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "test/sim/collectives.hpp"
#include "test/sim/world.hpp"

namespace {

using adi::testing::LogGP;
using adi::testing::SimModel;
using adi::testing::SimTime;

// Inside of a host: a hand-off through shared memory. `fast` is a network of 100 Gb/s that
// processes reach without the kernel; `ethernet` one of 10 Gb/s through it.
constexpr LogGP kHost{150'000, 80'000, 10'000, 100};
constexpr LogGP kFast{1'000'000, 200'000, 20'000, 80};
constexpr LogGP kEthernet{10'000'000, 2'500'000, 500'000, 800};

struct Options {
    LogGP network = kFast;
    int each = 32;
    int from = 2;
    int most = 4096;
    std::string_view only;
    std::vector<std::uint64_t> bytes{8, 1024, 65536, 1 << 20};
    std::uint64_t messages = 6'000'000;
    std::uint64_t memory = 4096;
};

[[noreturn]] void usage(const char* what) {
    std::fprintf(stderr, "sim_sweep: %s; its options stand at the head of test/sim/sweep.cpp\n",
                 what);
    std::exit(2);
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) usage("not a number");
    return value;
}

Options parse(int argc, char** argv) {
    Options o;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i], value = argv[i + 1];
        if (name == "--network") {
            if (value != "fast" && value != "ethernet") usage("no such network");
            o.network = value == "fast" ? kFast : kEthernet;
        } else if (name == "--each") {
            o.each = static_cast<int>(number(value));
        } else if (name == "--from") {
            o.from = static_cast<int>(number(value));
        } else if (name == "--most") {
            o.most = static_cast<int>(number(value));
        } else if (name == "--only") {
            o.only = value;
        } else if (name == "--bytes") {
            o.bytes.clear();
            for (std::string_view rest = value; !rest.empty();) {
                const std::size_t comma = std::min(rest.find(','), rest.size());
                o.bytes.push_back(number(rest.substr(0, comma)));
                rest.remove_prefix(std::min(comma + 1, rest.size()));
            }
        } else if (name == "--messages") {
            o.messages = number(value);
        } else if (name == "--memory") {
            o.memory = number(value);
        } else {
            usage("no such option");
        }
    }
    if (argc % 2 == 0) usage("an option without a value");
    if (o.each < 1 || o.from < 1) usage("too few ranks");
    return o;
}

/// One number of ranks, on hosts that know themselves or do not.
class Point {
  public:
    Point(const Options& options, int ranks, bool hosts_known)
        : options_(options), ranks_(ranks), by_hosts_(hosts_known) {
        const auto start = std::chrono::steady_clock::now();
        SimModel model{kHost, options.network};
        model.hosts_known = hosts_known;
        world_ = std::make_unique<sim::World>(sim::hosts_of(ranks, options.each), model);
        world_->warm_up();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        std::fprintf(stderr, "%d ranks%s: started in %.1f s\n", ranks,
                     hosts_known ? ", by hosts" : "", took.count());
    }

    void run() {
        for (const sim::Collective& collective : sim::collectives()) {
            if (!options_.only.empty() && options_.only != collective.name) continue;
            for (const std::uint64_t bytes : options_.bytes) {
                for (const sim::Algorithm& algorithm : collective.algorithms) {
                    if (algorithm.by_hosts == by_hosts_) one(collective, bytes, algorithm);
                }
                if (by_hosts_) chosen(collective, bytes);
                if (!collective.has_data) break;
            }
        }
    }

  private:
    std::uint64_t hosts() const {
        return static_cast<std::uint64_t>((ranks_ + options_.each - 1) / options_.each);
    }
    std::uint64_t messages(const sim::Algorithm& algorithm, std::uint64_t bytes) const {
        const auto ranks = static_cast<std::uint64_t>(ranks_);
        const std::uint64_t ends = algorithm.by_hosts ? hosts() : ranks;
        // A long one is three.
        const std::uint64_t each = bytes > 64 * 1024 ? 3 : 1;
        if (std::string_view(algorithm.name) == "chain") return ranks * (bytes / 32768 + 1);
        return each * (algorithm.square ? ends * ends + 32 * ranks : 32 * ranks);
    }
    bool too_much(const sim::Collective& collective, std::uint64_t bytes,
                  const sim::Algorithm& algorithm) const {
        const auto ranks = static_cast<std::uint64_t>(ranks_);
        return messages(algorithm, bytes) >
                   std::max<std::uint64_t>(options_.messages, 32 * ranks) ||
               collective.memory(bytes, ranks) * ranks > options_.memory << 20;
    }
    void one(const sim::Collective& collective, std::uint64_t bytes,
             const sim::Algorithm& algorithm) {
        if (too_much(collective, bytes, algorithm)) {
            std::printf(
                "{\"left_out\": \"%s\", \"algorithm\": \"%s\", \"ranks\": %d, "
                "\"bytes\": %llu}\n",
                collective.name, algorithm.name, ranks_, static_cast<unsigned long long>(bytes));
            return;
        }
        const sim::Wanting wanting(algorithm);
        call(collective, bytes, algorithm.name);
    }
    void chosen(const sim::Collective& collective, std::uint64_t bytes) {
        const bool square = collective.choice_is_square(bytes, ranks_, static_cast<int>(hosts()));
        const sim::Algorithm as_much{"", nullptr, std::string_view(collective.name) == "bcast",
                                     square};
        if (!too_much(collective, bytes, as_much)) call(collective, bytes, "chosen");
    }
    void call(const sim::Collective& collective, std::uint64_t bytes, const char* algorithm) {
        const std::uint64_t before = world_->messages();
        int wrong = 0;
        const SimTime time =
            world_->run([&](mpi::Comm& comm) { wrong += !collective.call(comm, bytes, 0); });
        if (wrong != 0) {
            std::fprintf(stderr, "sim_sweep: %s, %s, %d ranks, %llu bytes: %d results are wrong\n",
                         collective.name, algorithm, ranks_, static_cast<unsigned long long>(bytes),
                         wrong);
            std::exit(1);
        }
        std::printf(
            "{\"collective\": \"%s\", \"algorithm\": \"%s\", \"ranks\": %d, \"bytes\": "
            "%llu, \"us\": %.6f, \"messages\": %llu}\n",
            collective.name, algorithm, ranks_, static_cast<unsigned long long>(bytes),
            static_cast<double>(time) / 1e6,
            static_cast<unsigned long long>(world_->messages() - before));
        std::fflush(stdout);
    }

    const Options& options_;
    int ranks_;
    bool by_hosts_;
    std::unique_ptr<sim::World> world_;
};

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    // Powers of two, and what lies halfway between them.
    for (int power = 2; power <= options.most; power *= 2) {
        for (const int ranks : {power, power + power / 2}) {
            if (ranks < options.from || ranks > options.most) continue;
            for (const bool hosts_known : {false, true}) Point(options, ranks, hosts_known).run();
        }
    }
}
