// The FM interface itself, by its own functions: latency, bandwidth, LogP, multicast.
#include <cstdint>

#include "fm.h"
#include "rank.hpp"

namespace {

using fm_bench::Options;

constexpr const char* kMetrics = "latency|bandwidth|twoway|logp|multicast";
constexpr int kPings = 8;
constexpr double kBusy_s = 200e-6;  // long enough for everything on its way to arrive

// What handlers know: they have no argument of their own.
struct State {
    std::vector<std::byte> in;
    unsigned bytes = 0;  // of the messages of this measurement
    int arrived = 0;     // of them, in this measurement
    int met = 0;         // messages of all meetings so far
    int meetings = 0;
    double arrived_us = 0;   // when the last one came
    double reported_us = 0;  // node 0: the latest of all nodes
    int reports = 0;
} state;

ULONG data_handler_id, meet_handler_id, report_handler_id;

double now_us() {
    return FMX_time() * 1e6;
}

int on_data(FM_stream* stream, unsigned) {
    FM_receive(state.in.data(), stream, state.bytes);
    ++state.arrived;
    state.arrived_us = now_us();
    return FM_CONTINUE;
}

int on_meet(FM_stream*, unsigned) {
    ++state.met;
    return FM_CONTINUE;
}

int on_report(FM_stream* stream, unsigned) {
    double at_us = 0;
    FM_receive(&at_us, stream, sizeof at_us);
    state.reported_us = at_us > state.reported_us ? at_us : state.reported_us;
    ++state.reports;
    return FM_CONTINUE;
}

void send(unsigned node, ULONG handler, const void* bytes, std::size_t length) {
    FM_stream* stream = nullptr;
    while ((stream = FM_begin_message(node, static_cast<ULONG>(length), handler)) == nullptr)
        FM_extract(~0u);
    if (length > 0) FM_send_piece(stream, const_cast<void*>(bytes), static_cast<ULONG>(length));
    FM_end_message(stream);
}

void wait_for(const int& counter, int count) {
    while (counter < count)
        if (FM_extract(~0u) == 0) FMX_wait();
}

// Nobody leaves before everybody is here. Node 0 counts the others, then lets them go.
void meet() {
    ++state.meetings;
    if (FM_nodeid == 0) {
        wait_for(state.met, state.meetings * (static_cast<int>(FM_numnodes) - 1));
        for (unsigned node = 1; node < FM_numnodes; ++node) send(node, meet_handler_id, nullptr, 0);
    } else {
        send(0, meet_handler_id, nullptr, 0);
        wait_for(state.met, state.meetings);
    }
}

void prepare(std::size_t bytes) {
    meet();  // nobody is still in the measurement before
    state.bytes = static_cast<unsigned>(bytes);
    state.in.assign(bytes, {});
    state.arrived = 0;
    state.reports = 0;
    state.reported_us = 0;
    meet();
}

double ping_pong_us(const std::vector<std::byte>& out) {
    prepare(out.size());
    double begun = 0;
    for (int i = -2; i < kPings; ++i) {
        if (i == 0) begun = now_us();
        if (FM_nodeid == 0) send(1, data_handler_id, out.data(), out.size());
        wait_for(state.arrived, i + 3);
        if (FM_nodeid == 1) send(0, data_handler_id, out.data(), out.size());
    }
    return (now_us() - begun) / (2 * kPings);
}

// Node 0 streams; the time until node 1 has taken the last one, by clocks that agree.
double stream_us(const std::vector<std::byte>& out, int count) {
    prepare(out.size());
    const double begun = now_us();
    if (FM_nodeid == 0) {
        for (int i = 0; i < count; ++i) send(1, data_handler_id, out.data(), out.size());
        wait_for(state.reports, 1);
        return (state.reported_us - begun) / count;
    }
    wait_for(state.arrived, count);
    send(0, report_handler_id, &state.arrived_us, sizeof state.arrived_us);
    return 0;
}

// Both stream at the same time.
double exchange_us(const std::vector<std::byte>& out, int count) {
    prepare(out.size());
    const double begun = now_us();
    for (int i = 0; i < count; ++i) {
        send(1 - static_cast<unsigned>(FM_nodeid), data_handler_id, out.data(), out.size());
        FM_extract(static_cast<unsigned>(out.size()));
    }
    wait_for(state.arrived, count);
    return (now_us() - begun) / count;
}

void curve(const Options& options) {
    const bool latency = options.metric == "latency";
    const auto sizes = fm_bench::sizes_of(options, 8, latency ? 131072 : 1048576);
    std::vector<std::byte> out;
    for (const std::size_t size : sizes) {
        out.assign(size, {});
        fm_bench::fill(out, size, static_cast<unsigned>(FM_nodeid));
        const int count = fm_bench::stream_length(options, size);
        const auto bytes = static_cast<double>(size);
        double value = 0;
        if (latency)
            value = ping_pong_us(out);
        else if (options.metric == "twoway")
            value = 2 * bytes / exchange_us(out, count);
        else
            value = bytes / stream_us(out, count);
        if (FM_nodeid == 1) fm_bench::check(state.in, size, 0);
        if (FM_nodeid == 0)
            fm_bench::print(options.metric.c_str(), fm_bench::bytes_label(size), value,
                            latency ? "us" : "MB/s");
    }
}

// The parameters as Culler and others measure them (LogP Performance Assessment of Fast Network
// Interfaces, IEEE Micro 1996): o_s is what one send takes that nothing holds up; o_r what taking a
// message takes that is there already; g the interval of a long burst; L what is left of half a
// round trip.
void logp(std::size_t bytes) {
    std::vector<std::byte> out(bytes);
    const double half_trip_us = ping_pong_us(out);
    const double gap_us = stream_us(out, 200);
    double send_us = 0, receive_us = 0;
    for (int i = 0; i < kPings; ++i) {
        prepare(bytes);
        if (FM_nodeid == 0) FMX_compute(kBusy_s / 4);  // whatever is behind the meeting is over
        double begun = now_us();
        if (FM_nodeid == 0) send(1, data_handler_id, out.data(), bytes);
        send_us += (now_us() - begun) / kPings;
        FMX_compute(kBusy_s);  // node 1 does not look until the message is in its ring
        begun = now_us();
        if (FM_nodeid == 1) wait_for(state.arrived, 1);
        const double took_us = now_us() - begun;
        prepare(sizeof took_us);
        if (FM_nodeid == 1)
            send(0, report_handler_id, &took_us, sizeof took_us);
        else {
            wait_for(state.reports, 1);
            receive_us += state.reported_us / kPings;
        }
    }
    if (FM_nodeid != 0) return;
    const std::string labels = fm_bench::bytes_label(bytes);
    fm_bench::print("logp_os", labels, send_us, "us");
    fm_bench::print("logp_or", labels, receive_us, "us");
    fm_bench::print("logp_g", labels, gap_us, "us");
    fm_bench::print("logp_L", labels, half_trip_us - send_us - receive_us, "us");
}

// From node 0 to all; a node that has the message sends it on to those it is responsible for. In
// modelled time all clocks are one, so that the end is the latest arrival. Boards are quiet when it
// begins, and nobody reports before it is over: each packet that a board takes, late
// acknowledgements of the meeting too, holds up its sends.
double multicast_us(const std::vector<std::byte>& out, bool binomial) {
    const double quiet_s =
        3 * kBusy_s + 40e-9 * static_cast<double>(out.size()) * static_cast<double>(FM_numnodes);
    prepare(out.size());
    const auto me = static_cast<unsigned>(FM_nodeid);
    if (me == 0) FMX_compute(quiet_s);
    const double begun = now_us();
    if (me != 0) wait_for(state.arrived, 1);
    if (!binomial && me == 0)
        for (unsigned node = 1; node < FM_numnodes; ++node)
            send(node, data_handler_id, out.data(), out.size());
    if (binomial) {
        unsigned span = 1;  // the highest power of two below the number of nodes first
        while (span * 2 < FM_numnodes) span *= 2;
        for (; span > 0; span /= 2)
            if (me % (2 * span) == 0 && me + span < FM_numnodes)
                send(me + span, data_handler_id, out.data(), out.size());
    }
    if (me != 0) {
        FMX_compute(quiet_s);
        send(0, report_handler_id, &state.arrived_us, sizeof state.arrived_us);
        return 0;
    }
    wait_for(state.reports, static_cast<int>(FM_numnodes) - 1);
    return state.reported_us - begun;
}

void multicast(const Options& options) {
    std::vector<std::size_t> sizes = options.sizes;
    if (sizes.empty()) sizes = {16, 1024, 16384};
    for (const std::size_t size : sizes) {
        std::vector<std::byte> out(size);
        fm_bench::fill(out, size, 0);
        for (const bool binomial : {true, false}) {
            multicast_us(out, binomial);  // warms up
            const double value = multicast_us(out, binomial);
            if (FM_nodeid != 0) fm_bench::check(state.in, size, 0);
            if (FM_nodeid == 0)
                fm_bench::print("multicast",
                                fm_bench::bytes_label(size) +
                                    " nodes=" + std::to_string(FM_numnodes) +
                                    (binomial ? " tree=binomial" : " tree=iterative"),
                                value, "us");
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = fm_bench::parse(argc, argv, kMetrics);
    FM_initialize();
    data_handler_id = FM_register_handler(FM_ANY_ID, on_data);
    meet_handler_id = FM_register_handler(FM_ANY_ID, on_meet);
    report_handler_id = FM_register_handler(FM_ANY_ID, on_report);
    if (FM_numnodes < 2 || (FM_numnodes > 2 && options.metric != "multicast")) {
        std::fprintf(stderr, "%s %s: not for %lu nodes\n", argv[0], options.metric.c_str(),
                     static_cast<unsigned long>(FM_numnodes));
        return 2;
    }
    if (options.metric == "multicast")
        multicast(options);
    else if (options.metric == "logp")
        logp(options.sizes.empty() ? 16 : options.sizes.front());
    else if (options.metric == "latency" || options.metric == "bandwidth" ||
             options.metric == "twoway")
        curve(options);
    else
        fm_bench::usage(argv[0], kMetrics);
    meet();
    FM_finalize();
    return 0;
}
