// Collectives: time of one operation on the slowest rank. `bytes` is the length of one rank's
// block: what bcast, reduce, allreduce and scan carry, and what each rank contributes to
// (allgather), sends to each other (alltoall) or is left with (reduce_scatter).
//
// Operations in which data flows one way would let one rank run ahead of the others, and the loop
// would measure a pipeline. So the root moves on by one each time (bcast, reduce), and scan
// alternates between a communicator and its reverse.
#include <functional>

#include "bench.hpp"

namespace {

struct Collective {
    const char* name;
    std::size_t in_blocks;   // blocks of `bytes` that a rank gives
    std::size_t out_blocks;  // blocks that it gets
    std::function<void(int count, int turn)> call;
    std::function<double(std::size_t block, int turn)> expected;  // on every rank, or null
};

// Buffers and communicators that the calls work on. Values are small whole numbers in doubles.
struct Work {
    MPI_Comm world = MPI_COMM_WORLD;
    MPI_Comm reversed = MPI_COMM_NULL;
    int rank = 0;
    int size = 0;
    std::vector<double> in, out;
    std::vector<int> counts;

    void prepare(std::size_t doubles_in, std::size_t doubles_out, int count) {
        in.assign(doubles_in, rank + 1.0);
        out.assign(doubles_out, -1.0);
        counts.assign(static_cast<std::size_t>(size), count);
    }
    double sum_of_ranks() const { return size * (size + 1) / 2.0; }
};

std::vector<Collective> collectives(Work& w) {
    const auto n = static_cast<std::size_t>(w.size);
    auto all = [&w](std::size_t, int) { return w.sum_of_ranks(); };
    auto from_block = [](std::size_t block, int) { return static_cast<double>(block) + 1; };
    auto scan_expected = [&w](std::size_t, int turn) {
        const int place = turn % 2 == 0 ? w.rank : w.size - 1 - w.rank;
        double sum = 0;
        for (int i = 0; i <= place; ++i) sum += turn % 2 == 0 ? i + 1 : w.size - i;
        return sum;
    };
    return {
        {"bcast", 0, 1,
         [&w](int count, int turn) {
             MPI_Bcast(w.out.data(), count, MPI_DOUBLE, turn % w.size, w.world);
         },
         nullptr},
        {"reduce", 1, 1,
         [&w](int count, int turn) {
             MPI_Reduce(w.in.data(), w.out.data(), count, MPI_DOUBLE, MPI_SUM, turn % w.size,
                        w.world);
         },
         nullptr},
        {"allreduce", 1, 1,
         [&w](int count, int) {
             MPI_Allreduce(w.in.data(), w.out.data(), count, MPI_DOUBLE, MPI_SUM, w.world);
         },
         all},
        {"allgather", 1, n,
         [&w](int count, int) {
             MPI_Allgather(w.in.data(), count, MPI_DOUBLE, w.out.data(), count, MPI_DOUBLE,
                           w.world);
         },
         from_block},
        {"alltoall", n, n,
         [&w](int count, int) {
             MPI_Alltoall(w.in.data(), count, MPI_DOUBLE, w.out.data(), count, MPI_DOUBLE, w.world);
         },
         from_block},
        {"reduce_scatter", n, 1,
         [&w](int, int) {
             MPI_Reduce_scatter(w.in.data(), w.out.data(), w.counts.data(), MPI_DOUBLE, MPI_SUM,
                                w.world);
         },
         all},
        {"scan", 1, 1,
         [&w](int count, int turn) {
             MPI_Scan(w.in.data(), w.out.data(), count, MPI_DOUBLE, MPI_SUM,
                      turn % 2 == 0 ? w.world : w.reversed);
         },
         scan_expected},
    };
}

// One call outside the timed loop whose result is looked at, element by element.
void verify(const bench::Bench& bench, Work& w, const Collective& collective, int count) {
    const std::string_view name = collective.name;
    if (name == "bcast") {
        std::fill(w.out.begin(), w.out.end(), w.rank == 0 ? 42.0 : -1.0);
    }
    collective.call(count, 0);
    if (name == "reduce" && w.rank != 0) return;
    for (std::size_t i = 0; i < w.out.size(); ++i) {
        const std::size_t block = i / static_cast<std::size_t>(count);
        double want = 42.0;
        if (collective.expected) want = collective.expected(block, 0);
        if (name == "reduce") want = w.sum_of_ranks();
        if (w.out[i] != want) bench.check(false, collective.name);
    }
}

void run_barrier(const bench::Bench& bench, const std::string& ranks) {
    if (!bench.wants("barrier")) return;
    const bench::Sample sample = bench.measure([](long iterations) {
        for (long i = 0; i < iterations; ++i) MPI_Barrier(MPI_COMM_WORLD);
    });
    bench.print_time("barrier", ranks, sample);
}

void run(const bench::Bench& bench, Work& w, const Collective& collective, const std::string& ranks,
         std::size_t bytes) {
    if (!bench.wants(collective.name)) return;
    const std::size_t count = std::max<std::size_t>(bytes / sizeof(double), 1);
    w.prepare(collective.in_blocks * count, collective.out_blocks * count, static_cast<int>(count));
    verify(bench, w, collective, static_cast<int>(count));
    int turn = 0;  // goes on over the repetitions, alike on all ranks
    const bench::Sample sample = bench.measure([&](long iterations) {
        for (long i = 0; i < iterations; ++i) collective.call(static_cast<int>(count), turn++);
    });
    bench.print_time(collective.name, bench::bytes_label(count * sizeof(double)) + " " + ranks,
                     sample);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Bench bench(argc, argv);
    Work work;
    work.rank = bench.rank();
    work.size = bench.size();
    MPI_Comm_split(MPI_COMM_WORLD, 0, work.size - work.rank, &work.reversed);
    const std::string ranks = "ranks=" + std::to_string(work.size);
    run_barrier(bench, ranks);
    const std::vector<std::size_t> sizes = bench.sizes({8, 1024, 65536, 1u << 20});
    for (const std::size_t size : sizes) {
        for (const Collective& collective : collectives(work)) {
            run(bench, work, collective, ranks, size);
        }
    }
    MPI_Comm_free(&work.reversed);
    return 0;
}
