// Memory of one rank in jobs of up to a million: of the real engine with the real devices, told
// that the job is so large, and of communicators and collectives, measured with as many simulated
// ranks as can be had and continued by the growth that they show.
//
//     sim_memory [--most RANKS]      simulated ranks, 4096 unless told
//
// What is counted is what the program allocates. Segments of shared memory are the host's, not the
// job's, and stand in devices/shm/README.md.
#include <malloc.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "bodies.hpp"
#include "test/sim/world.hpp"

namespace {

/// Bytes that are allocated now, as the allocator counts them.
std::size_t allocated = 0;

void* count(void* memory) {
    if (memory == nullptr) std::abort();
    allocated += malloc_usable_size(memory);
    return memory;
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) {
    return count(std::malloc(bytes));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return count(std::malloc(bytes));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    allocated -= malloc_usable_size(memory);
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    operator delete(memory);
}

namespace {

constexpr int kEach = 32;
constexpr int kMillion = 1'000'000;

/// Rank 0 of a job on hosts of kEach ranks, none of which is there.
class AloneBootstrap final : public adi::Bootstrap {
  public:
    AloneBootstrap(int size, bool by_turns) : size_(size), by_turns_(by_turns) {}
    int rank() const override { return 0; }
    int size() const override { return size_; }
    adi::Result<int> appnum() override { return 0; }
    adi::Result<int> universe_size() override { return size_; }
    std::vector<int> local_ranks() override {
        std::vector<int> ranks;
        const int stride = by_turns_ ? size_ / kEach : 1;
        for (int i = 0; i < kEach; ++i) ranks.push_back(i * stride);
        return ranks;
    }
    std::string launcher_secret() override { return std::string(adi::kSecretDigits, '0'); }
    adi::Result<bool> put(std::string_view, std::string_view) override { return true; }
    adi::Result<std::string> get(int, std::string_view) override {
        return {adi::Status::bad_argument, "no such key"};
    }
    adi::Result<bool> fence() override { return true; }
    void abort(int, std::string_view) noexcept override {}
    adi::Result<bool> finalize() override { return true; }

  private:
    int size_;
    bool by_turns_;
};

/// A process after MPI_Init, told of `ranks` ranks.
std::size_t started(int ranks, const char* devices, bool by_turns) {
    setenv("FATHOM_DEVICE", devices, 1);
    const std::size_t before = allocated;
    auto process = std::make_unique<mpi::ProcessState>();
    mpi::process_state = process.get();
    AloneBootstrap boot(ranks, by_turns);
    process->world_group.members = mpi::Processes(0, static_cast<std::size_t>(ranks));
    process->world_group.rank = 0;
    std::string error;
    if (process->engine.start(boot, {}, &error) != adi::Status::ok) {
        std::fprintf(stderr, "sim_memory: %s\n", error.c_str());
        std::exit(1);
    }
    mpi::set_up_comm(process->world, &process->world_group, 2,
                     mpi::find<mpi::Errhandler>(MPI_ERRORS_RETURN));
    const std::size_t bytes = allocated - before;
    process->engine.stop();
    mpi::process_state = nullptr;
    return bytes;
}

void starts() {
    struct Case {
        const char* devices;
        bool by_turns;
        const char* what;
    };
    std::printf("A process after MPI_Init, told of so many ranks, %d on its host (bytes):\n\n",
                kEach);
    std::printf("%-44s%12s%12s%12s%14s\n", "", "1,024", "65,536", "1,000,000", "for each rank");
    for (const Case& c :
         {Case{"self", false, "engine, device self"}, Case{"self,shm", false, "and shm"},
          Case{"self,shm", true, "and shm, ranks dealt out to hosts"},
          Case{"self,shm,tcp", false, "and shm, tcp"}}) {
        std::vector<std::size_t> bytes;
        for (const int ranks : {1024, 65'536, kMillion}) {
            bytes.push_back(started(ranks, c.devices, c.by_turns));
        }
        std::printf("%-44s%12zu%12zu%12zu%14.3f\n", c.what, bytes[0], bytes[1], bytes[2],
                    static_cast<double>(bytes[2] - bytes[1]) / (kMillion - 65'536));
    }
}

/// Bytes for each rank, by number of ranks.
using Growth = std::vector<std::pair<double, double>>;

/// Continues what grew in the last doublings by as much for each doubling, or, if it grew by ever
/// more, by as much for each rank.
double at_a_million(const Growth& g) {
    const auto& [ranks, bytes] = g.back();
    const double last = bytes - g[g.size() - 2].second;
    const double before = g[g.size() - 2].second - g[g.size() - 3].second;
    if (last > 1.5 * before + 16) return bytes + last / (ranks / 2) * (kMillion - ranks);
    return bytes + last * std::log2(kMillion / ranks);
}

void collectives(int most) {
    struct Stage {
        const char* what;
        void (*call)(mpi::Comm&);
    };
    static std::uint64_t word = 1;
    static mpi::Datatype& type = *mpi::find<mpi::Datatype>(MPI_UINT64_T);
    static mpi::Op& sum = *mpi::find<mpi::Op>(MPI_SUM);
    const Stage stages[] = {
        {"barriers, an allreduce of 8 B; the levels", [](mpi::Comm&) {}},
        {"a bcast", [](mpi::Comm& c) { (void)mpi::bcast(&word, 1, type, 0, c); }},
        {"a scan",
         [](mpi::Comm& c) {
             std::uint64_t out = 0;
             (void)mpi::scan(&word, &out, 1, type, sum, c);
         }},
        {"a gather",
         [](mpi::Comm& c) {
             std::vector<std::uint64_t> all(c.rank == 0 ? static_cast<std::size_t>(c.size) : 0);
             (void)mpi::gather(&word, 1, type, all.data(), 1, type, 0, c);
         }},
    };
    std::vector<Growth> growth(std::size(stages));
    for (int ranks = 256; ranks <= most; ranks *= 2) {
        adi::testing::SimModel model;
        sim::World world(sim::hosts_of(ranks, kEach), model);
        // The list of events and the like are the simulation's.
        world.run([](mpi::Comm&) {});
        std::size_t before = allocated;
        for (std::size_t i = 0; i < std::size(stages); ++i) {
            if (i == 0) world.warm_up();
            world.run(stages[i].call);
            growth[i].push_back({ranks, static_cast<double>(allocated - before) / ranks});
            before = allocated;
        }
    }
    std::printf(
        "\nWhat a rank has more after its first collectives (mean over the ranks, bytes):\n\n");
    std::printf("%-44s", "ranks");
    for (const auto& [ranks, bytes] : growth[0]) std::printf("%9.0f", ranks);
    std::printf("%12s\n", "1,000,000");
    for (std::size_t i = 0; i < std::size(stages); ++i) {
        std::printf("%-44s", stages[i].what);
        for (const auto& [ranks, bytes] : growth[i]) std::printf("%9.0f", bytes);
        std::printf("%12.0f\n", at_a_million(growth[i]));
    }
}

}  // namespace

int main(int argc, char** argv) {
    int most = 4096;
    if (argc == 3 && std::strcmp(argv[1], "--most") == 0) most = std::atoi(argv[2]);
    // Makes what all processes share, and the predefined objects.
    sim::World(std::vector<adi::Peer>{1}, {});
    starts();
    collectives(most);
}
