// Fabric: its parts, and their end.
#include <algorithm>
#include <utility>

#include "firmware/emulator/fabric.hpp"

namespace emulator {

namespace {

constexpr std::uint32_t kReplayPort = 63;  // after all ports of a switch

}  // namespace

Fabric::Fabric(const Machine& machine, Scheduler& scheduler, NetworkOptions options)
    : machine_(machine),
      scheduler_(scheduler),
      timed_(scheduler.timed()),
      options_(std::move(options)),
      random_(options_.faults.seed) {
    options_.chunk_bytes = std::max<std::size_t>(options_.chunk_bytes, 8);
    options_.stop_bytes = std::max(options_.stop_bytes, options_.chunk_bytes * 3);
    options_.go_bytes = std::min(options_.go_bytes, options_.stop_bytes - 1);
}

Fabric::~Fabric() {
    // Whatever is on its way hangs on a worm that is active; chunks in feeders are freed with them.
    const auto clear = [](Feeder& feeder) {
        for (Chunk* chunk = feeder.first; chunk != nullptr;)
            delete std::exchange(chunk, chunk->next);
    };
    for (Switch& it : switches_)
        for (const auto& feeder : it.in) clear(*feeder);
    for (const auto& endpoint : endpoints_) {
        clear(endpoint->source);
        clear(endpoint->inbox);
    }
    for (const auto& channel : channels_) {
        if (channel->replay) clear(*channel->replay);
        delete channel->held;
    }
    for (Worm* worm : active_) delete worm;
    for (Worm* worm : free_worms_) delete worm;
    for (Chunk* chunk : free_chunks_) delete chunk;
}

void Fabric::add_switch(std::uint32_t ports) {
    Switch it;
    it.out.resize(ports);
    for (std::uint32_t port = 0; port < ports; ++port) {
        it.in.push_back(std::make_unique<Feeder>());
        it.in.back()->node = static_cast<std::uint32_t>(switches_.size());
        it.in.back()->port = port;
    }
    switches_.push_back(std::move(it));
}

Endpoint& Fabric::add_endpoint(std::uint32_t board) {
    Endpoint& endpoint = *endpoints_.emplace_back(std::make_unique<Endpoint>());
    endpoint.fabric = this;
    endpoint.board = board;
    endpoint.timeout = kDefaultTimeout;
    endpoint.source.kind = Feeder::Kind::source;
    endpoint.source.endpoint = &endpoint;
    endpoint.inbox.kind = Feeder::Kind::inbox;
    endpoint.inbox.endpoint = &endpoint;
    by_board_[board % by_board_.size()] = &endpoint;
    return endpoint;
}

Channel& Fabric::add_channel(Feeder& sink, const FaultPlan::Rates& rates) {
    Channel& channel = *channels_.emplace_back(std::make_unique<Channel>());
    channel.sink = &sink;
    channel.rates = rates;
    sink.into = &channel;
    if (rates.any()) {
        channel.replay = std::make_unique<Feeder>();
        channel.replay->kind = Feeder::Kind::replay;
        channel.replay->fixed = &channel;
        channel.replay->port = kReplayPort;
    }
    return channel;
}

}  // namespace emulator
