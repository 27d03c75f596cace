#include "measurement.hpp"

#include <algorithm>
#include <vector>

#include "../rank.hpp"

namespace fm_bench {

namespace {

constexpr int kWarmUp = 2;

double us(Time ps) {
    return static_cast<double>(ps) / 1e6;
}

}  // namespace

Measurement::Measurement(const System& system, std::size_t bytes, const std::string& trace,
                         std::size_t offset)
    : bytes_(bytes), pair_(*emulator::find_machine(system.machine), system.image, trace) {
    for (unsigned node = 0; node < Pair::kNodes; ++node) {
        messages_[node] = system.open(pair_, node);
        out_[node] = pair_.host(node).memory().allocate(bytes, offset);
        in_[node] = pair_.host(node).memory().allocate(bytes, offset);
        for (std::size_t i = 0; i < bytes; ++i) out_[node][i] = pattern(i, node);
    }
}

double Measurement::ping_pong_us(int count) {
    Time begun = 0, ended = 0;
    pair_.run(
        [&] {
            for (int i = -kWarmUp; i < count; ++i) {
                if (i == 0) begun = pair_.host(0).now();
                send(0);
                receive(0);
            }
            ended = pair_.host(0).now();
        },
        [&] {
            for (int i = -kWarmUp; i < count; ++i) {
                receive(1);
                send(1);
            }
        });
    check(0);
    check(1);
    return us(ended - begun) / (2 * count);
}

double Measurement::stream_us(int count) {
    Time begun = 0, ended = 0;
    pair_.run(
        [&] {
            begun = pair_.host(0).now();
            for (int i = 0; i < count; ++i) send(0);
        },
        [&] {
            for (int i = 0; i < count; ++i) receive(1);
            ended = pair_.host(1).now();
        });
    check(1);
    return us(ended - begun) / count;
}

double Measurement::exchange_us(int count) {
    Time begun = 0, ended = 0;
    const auto script = [&](unsigned node) {
        if (node == 0) begun = pair_.host(0).now();
        for (int i = 0; i < count; ++i) {
            messages_[node]->post(in_[node].data(), bytes_);
            send(node);
            messages_[node]->wait();
        }
        ended = std::max(ended, pair_.host(node).now());
    };
    pair_.run([&] { script(0); }, [&] { script(1); });
    check(0);
    check(1);
    return us(ended - begun) / count;
}

void Measurement::send(unsigned node) {
    messages_[node]->send(out_[node].data(), bytes_);
}

void Measurement::receive(unsigned node) {
    messages_[node]->post(in_[node].data(), bytes_);
    messages_[node]->wait();
}

void Measurement::check(unsigned node) {
    fm_bench::check({in_[node].begin(), in_[node].end()}, bytes_, 1 - node);
}

}  // namespace fm_bench
