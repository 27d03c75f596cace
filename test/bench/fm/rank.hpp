// What fm-bench's programs share: options, sizes, contents, and the lines that the driver reads:
//     metric name=latency bytes=8 value=5.61 unit=us
// Time is modelled time where the board has one: every repetition gives the same figure, so that
// few are needed.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace fm_bench {

struct Options {
    std::string metric;
    std::vector<std::size_t> sizes;  // --sizes 8,64: instead of the program's own
    bool quick = false;              // --quick: few sizes, for tests
};

[[noreturn]] inline void usage(const char* program, const char* metrics) {
    std::fprintf(stderr, "usage: %s %s [--quick] [--sizes BYTES,...]\n", program, metrics);
    std::exit(2);
}

inline std::vector<std::size_t> numbers(const char* program, const char* text,
                                        const char* metrics) {
    std::vector<std::size_t> found;
    for (char* end = nullptr; *text != '\0'; text = *end == ',' ? end + 1 : end) {
        found.push_back(std::strtoul(text, &end, 10));
        if (end == text) usage(program, metrics);
    }
    return found;
}

inline Options parse(int argc, char** argv, const char* metrics) {
    if (argc < 2) usage(argv[0], metrics);
    Options options;
    options.metric = argv[1];
    for (int i = 2; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--quick")
            options.quick = true;
        else if (word == "--sizes" && i + 1 < argc)
            options.sizes = numbers(argv[0], argv[++i], metrics);
        else
            usage(argv[0], metrics);
    }
    return options;
}

/// Powers of two from `first` to `last`, or what was asked for.
inline std::vector<std::size_t> sizes_of(const Options& options, std::size_t first,
                                         std::size_t last) {
    if (!options.sizes.empty()) return options.sizes;
    if (options.quick) return {first, 256, 2048};
    std::vector<std::size_t> sizes;
    for (std::size_t size = first; size <= last; size *= 2) {
        sizes.push_back(size);
        if (size >= 32 && size < 512) sizes.push_back(size + size / 2);  // for N1/2
    }
    return sizes;
}

/// How many messages of a size a stream is measured with.
inline int stream_length(const Options& options, std::size_t bytes) {
    const std::size_t wanted = (options.quick ? 32768u : 524288u) / (bytes + 1);
    const std::size_t most = options.quick ? 40 : 100;
    return static_cast<int>(wanted < 6 ? 6 : wanted > most ? most : wanted);
}

/// A byte that depends on its place, so that a shifted or stale buffer is noticed.
inline std::byte pattern(std::size_t i, unsigned seed) {
    return static_cast<std::byte>((i * 31 + i / 251 + seed) & 0xff);
}

inline void fill(std::vector<std::byte>& buffer, std::size_t bytes, unsigned seed) {
    for (std::size_t i = 0; i < bytes; ++i) buffer[i] = pattern(i, seed);
}

/// Ends the program unless the buffer has what `fill` wrote: a wrong result is no figure.
inline void check(const std::vector<std::byte>& buffer, std::size_t bytes, unsigned seed) {
    for (std::size_t i = 0; i < bytes; ++i)
        if (buffer[i] != pattern(i, seed)) {
            std::fprintf(stderr, "fm-bench: byte %zu of %zu is wrong\n", i, bytes);
            std::exit(1);
        }
}

inline void print(const char* name, const std::string& labels, double value, const char* unit) {
    std::printf("metric name=%s %s value=%.6g unit=%s\n", name, labels.c_str(), value, unit);
    std::fflush(stdout);
}

inline std::string bytes_label(std::size_t bytes) {
    return "bytes=" + std::to_string(bytes);
}

}  // namespace fm_bench
