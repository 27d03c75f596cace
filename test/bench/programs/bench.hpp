// What every benchmark program shares: options, binding, the measuring loop, the metric lines.
//
// The programs use only functions of MPI-1.3 and MPI_Init_thread, so that one source compiles with
// any MPI. They print one line per figure:
//     metric name=latency bytes=8 value=0.21 min=0.20 unit=us reps=40
// `value` is the median over the repetitions, `min` the least (for rates: the greatest, as `max`).
#ifndef FATHOM_TEST_BENCH_PROGRAMS_BENCH_HPP_
#define FATHOM_TEST_BENCH_PROGRAMS_BENCH_HPP_

#include <mpi.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

// The same clock for every MPI; MPI_Wtime may differ in cost from one to the next.
inline double now_s() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Options {
    std::vector<int> cpus;           // --cpus 0,1: rank r is bound to the r-th of them, round robin
    std::vector<std::size_t> sizes;  // --sizes 8,1024: instead of the program's own, in bytes
    std::string only;                // --only name: this metric alone
    double rep_s = 0.001;            // --rep-ms: length that a repetition is calibrated to
    double cap_s = 0.1;              // --cap-ms: of one figure; at least one repetition is made
    double budget_s = 60;            // --budget-s: of the program; figures after it are skipped
    int max_reps = 100;              // --reps
    bool smoke = false;              // --smoke: a moment only, few sizes; for tests
};

struct Sample {
    double min_us;  // of one operation
    double median_us;
    int reps;
};

// One process of a benchmark: owns MPI's life from construction to destruction.
class Bench {
  public:
    // `thread_level` is what the program needs; it exits where the MPI gives less.
    Bench(int argc, char** argv, int thread_level = MPI_THREAD_SINGLE);
    ~Bench() { MPI_Finalize(); }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    int rank() const { return rank_; }
    int size() const { return size_; }
    const Options& options() const { return options_; }

    // Exits with status 2 unless there are `ranks` processes.
    void require_ranks(int ranks) const;

    // The sizes to run: those asked for, a few in a smoke test, else `usual`.
    std::vector<std::size_t> sizes(const std::vector<std::size_t>& usual) const;

    // True when metric `name` is wanted and time is left. Collective: all ranks get one answer.
    bool wants(std::string_view name) const;

    // Times `body(iterations)`, which does that many operations. Collective. The iterations of a
    // repetition are calibrated so that it lasts options().rep_s; ranks agree between repetitions
    // (never inside one) on the slowest rank's time and on whether to go on, so that a
    // configuration in which one operation takes 100 ms still ends soon. `stretch` lengthens
    // repetitions and cap for bodies with a cost of their own per call.
    template <typename Body>
    Sample measure(Body&& body, double stretch = 1) const;

    // Ends the job when `good` is false on this rank: a figure of a wrong result is no figure.
    void check(bool good, const char* what) const;

    // Rank 0 prints a time, or a rate of `amount` per operation (unit of amount/us), with
    // `labels`, such as "bytes=8 kind=vector".
    void print_time(const char* name, const std::string& labels, const Sample& sample) const;
    void print_rate(const char* name, const std::string& labels, double amount, const char* unit,
                    const Sample& sample) const;
    void print_value(const char* name, const std::string& labels, double value,
                     const char* unit) const;

  private:
    struct Agreed {
        double slowest_s;  // time of the repetition on the slowest rank
        double elapsed_s;  // since the figure was begun, on the rank that waited most
    };
    Agreed agree(double repetition_s, double elapsed_s) const;
    void parse(int argc, char** argv);
    void bind() const;

    Options options_;
    double start_s_ = now_s();
    int rank_ = 0;
    int size_ = 0;
};

inline std::vector<double> split_numbers(const char* text) {
    std::vector<double> numbers;
    for (char* end = nullptr; *text != '\0'; text = *end == ',' ? end + 1 : end) {
        numbers.push_back(std::strtod(text, &end));
        if (end == text) {
            std::fprintf(stderr, "not a list of numbers: %s\n", text);
            std::exit(2);
        }
    }
    return numbers;
}

inline void Bench::parse(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--smoke") {
            options_.smoke = true;
            options_.cap_s = 0.002;
            options_.rep_s = 0.0002;
            options_.max_reps = 3;
            continue;
        }
        if (i + 1 == argc) {
            std::fprintf(stderr, "unknown option, or its value is missing: %s\n", argv[i]);
            std::exit(2);
        }
        const char* value = argv[++i];
        if (word == "--cpus") {
            for (const double cpu : split_numbers(value)) {
                options_.cpus.push_back(static_cast<int>(cpu));
            }
        } else if (word == "--sizes") {
            for (const double size : split_numbers(value)) {
                options_.sizes.push_back(static_cast<std::size_t>(size));
            }
        } else if (word == "--only") {
            options_.only = value;
        } else if (word == "--rep-ms") {
            options_.rep_s = std::atof(value) / 1e3;
        } else if (word == "--cap-ms") {
            options_.cap_s = std::atof(value) / 1e3;
        } else if (word == "--budget-s") {
            options_.budget_s = std::atof(value);
        } else if (word == "--reps") {
            options_.max_reps = std::max(1, std::atoi(value));
        } else {
            std::fprintf(stderr, "unknown option: %s\n", argv[i - 1]);
            std::exit(2);
        }
    }
}

// Binds after MPI_Init, by rank, so that every MPI is treated alike whatever its launcher did.
inline void Bench::bind() const {
    if (options_.cpus.empty()) return;
    const auto slot = static_cast<std::size_t>(rank_) % options_.cpus.size();
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(options_.cpus[slot]), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) std::perror("sched_setaffinity");
}

inline Bench::Bench(int argc, char** argv, int thread_level) {
    int provided = 0;
    MPI_Init_thread(&argc, &argv, thread_level, &provided);
    if (provided < thread_level) {
        std::fprintf(stderr, "this MPI gives thread level %d, not %d\n", provided, thread_level);
        std::exit(3);
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    parse(argc, argv);
    bind();
}

inline void Bench::require_ranks(int ranks) const {
    if (size_ == ranks) return;
    if (rank_ == 0) std::fprintf(stderr, "needs %d ranks, not %d\n", ranks, size_);
    MPI_Abort(MPI_COMM_WORLD, 2);
}

inline std::vector<std::size_t> Bench::sizes(const std::vector<std::size_t>& usual) const {
    if (!options_.sizes.empty()) return options_.sizes;
    if (!options_.smoke) return usual;
    return {usual.front(), usual[usual.size() / 2], usual.back()};
}

inline bool Bench::wants(std::string_view name) const {
    if (!options_.only.empty() && options_.only != name) return false;
    int go = now_s() - start_s_ < options_.budget_s ? 1 : 0;
    MPI_Bcast(&go, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (go == 0 && rank_ == 0) {
        std::printf("skipped name=%.*s reason=budget\n", static_cast<int>(name.size()),
                    name.data());
    }
    return go == 1;
}

inline Bench::Agreed Bench::agree(double repetition_s, double elapsed_s) const {
    double mine[2] = {repetition_s, elapsed_s};
    double most[2] = {0, 0};
    MPI_Allreduce(mine, most, 2, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return {most[0], most[1]};
}

template <typename Body>
Sample Bench::measure(Body&& body, double stretch) const {
    constexpr long kMaxIterations = 1L << 22;
    const double rep_s = options_.rep_s * stretch;
    const double cap_s = options_.cap_s * stretch;
    const double begun_s = now_s();
    auto repeat = [&](long iterations) {
        MPI_Barrier(MPI_COMM_WORLD);
        const double start_s = now_s();
        body(iterations);
        const double end_s = now_s();
        return agree(end_s - start_s, end_s - begun_s);
    };
    // The first call warms up (connections, page faults) and is kept only when it alone takes all
    // the time that there is. Every decision below follows from what all ranks agreed on.
    long iterations = 1;
    Agreed last = repeat(1);
    std::vector<double> times_us;
    if (last.elapsed_s < cap_s) last = repeat(1);
    while (last.slowest_s < rep_s && iterations < kMaxIterations && last.elapsed_s < cap_s / 2) {
        const double wanted = 1.1 * rep_s / std::max(last.slowest_s, 1e-8);
        const double factor = std::clamp(wanted, 1.5, 16.0);
        iterations = std::min(kMaxIterations,
                              static_cast<long>(static_cast<double>(iterations) * factor) + 1);
        last = repeat(iterations);
    }
    times_us.push_back(last.slowest_s * 1e6 / static_cast<double>(iterations));
    while (last.elapsed_s < cap_s &&
           times_us.size() < static_cast<std::size_t>(options_.max_reps)) {
        last = repeat(iterations);
        times_us.push_back(last.slowest_s * 1e6 / static_cast<double>(iterations));
    }
    std::sort(times_us.begin(), times_us.end());
    return {times_us.front(), times_us[times_us.size() / 2], static_cast<int>(times_us.size())};
}

inline void Bench::check(bool good, const char* what) const {
    if (good) return;
    std::fprintf(stderr, "rank %d: wrong result in %s\n", rank_, what);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

inline void Bench::print_time(const char* name, const std::string& labels,
                              const Sample& sample) const {
    if (rank_ != 0) return;
    std::printf("metric name=%s %s value=%.4g min=%.4g unit=us reps=%d\n", name, labels.c_str(),
                sample.median_us, sample.min_us, sample.reps);
    std::fflush(stdout);
}

inline void Bench::print_rate(const char* name, const std::string& labels, double amount,
                              const char* unit, const Sample& sample) const {
    if (rank_ != 0) return;
    std::printf("metric name=%s %s value=%.5g max=%.5g unit=%s reps=%d\n", name, labels.c_str(),
                amount / sample.median_us, amount / sample.min_us, unit, sample.reps);
    std::fflush(stdout);
}

inline void Bench::print_value(const char* name, const std::string& labels, double value,
                               const char* unit) const {
    if (rank_ != 0) return;
    std::printf("metric name=%s %s value=%.5g unit=%s\n", name, labels.c_str(), value, unit);
    std::fflush(stdout);
}

inline std::string bytes_label(std::size_t bytes) {
    return "bytes=" + std::to_string(bytes);
}

inline std::vector<std::size_t> powers_of_two(std::size_t first, std::size_t last) {
    std::vector<std::size_t> sizes;
    for (std::size_t size = first; size <= last; size *= 2) sizes.push_back(size);
    return sizes;
}

// A byte that depends on its place, so that a shifted or stale buffer is noticed.
inline unsigned char pattern(std::size_t i, unsigned seed) {
    return static_cast<unsigned char>((i * 31 + i / 251 + seed) & 0xff);
}

inline void fill(std::vector<unsigned char>& buffer, std::size_t bytes, unsigned seed) {
    for (std::size_t i = 0; i < bytes; ++i) buffer[i] = pattern(i, seed);
}

inline bool matches(const std::vector<unsigned char>& buffer, std::size_t bytes, unsigned seed) {
    for (std::size_t i = 0; i < bytes; ++i) {
        if (buffer[i] != pattern(i, seed)) return false;
    }
    return true;
}

}  // namespace bench

#endif  // FATHOM_TEST_BENCH_PROGRAMS_BENCH_HPP_
