// The papers' systems on the emulated machines that they were measured on: their control programs
// (firmware/papers) and their host software (here), in modelled time. One process, no mpirun.
#include <cstdio>
#include <cstring>

#include "../rank.hpp"
#include "measurement.hpp"

namespace {

using fm_bench::Measurement;
using fm_bench::Options;
using fm_bench::System;

constexpr const char* kMetrics = "latency|bandwidth|twoway";
constexpr int kPings = 8;

void curve(const System& system, const Options& options, const std::string& trace) {
    const bool latency = options.metric == "latency";
    for (const std::size_t size : fm_bench::sizes_of(options, 8, 1048576)) {
        Measurement measurement(system, size, trace);
        const auto bytes = static_cast<double>(size);
        const int count = fm_bench::stream_length(options, size);
        double value = 0;
        if (latency)
            value = measurement.ping_pong_us(kPings);
        else if (options.metric == "bandwidth")
            value = bytes / measurement.stream_us(count);
        else
            value = 2 * bytes / measurement.exchange_us(count);
        fm_bench::print(options.metric.c_str(), fm_bench::bytes_label(size), value,
                        latency ? "us" : "MB/s");
    }
}

/// Takes `--trace FILE` out of the arguments.
std::string take_trace(std::vector<char*>& arguments) {
    for (auto at = arguments.begin(); at != arguments.end(); ++at)
        if (std::strcmp(*at, "--trace") == 0 && at + 1 != arguments.end()) {
            std::string file = *(at + 1);
            arguments.erase(at, at + 2);
            return file;
        }
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<char*> arguments(argv, argv + argc);
    const std::string trace = take_trace(arguments);
    const System* system = arguments.size() < 2 ? nullptr : fm_bench::find_system(arguments[1]);
    if (system == nullptr) {
        std::fprintf(stderr, "usage: %s SYSTEM %s [--quick] [--sizes BYTES,...] [--trace FILE]\n",
                     argv[0], kMetrics);
        for (const System& each : fm_bench::systems())
            std::fprintf(stderr, "  %-6s on %s\n", each.name, each.machine);
        return 2;
    }
    arguments.erase(arguments.begin() + 1);
    const Options options =
        fm_bench::parse(static_cast<int>(arguments.size()), arguments.data(), kMetrics);
    const bool known = options.metric == "latency" || options.metric == "bandwidth" ||
                       (options.metric == "twoway" && system->both_ways);
    if (!known) fm_bench::usage(argv[0], kMetrics);
    curve(*system, options, trace);
    return 0;
}
