#include "pair.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "firmware/emulator/board_processor.hpp"
#include "firmware/emulator/topology.hpp"
#include "firmware/emulator/traced_board.hpp"

namespace fm_bench {

namespace {

using emulator::Trace;

constexpr Time kSlice = 1'000'000'000, kStart = 10'000'000;

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "fm-bench-papers: %s\n", why.c_str());
    std::exit(1);
}

template <class T>
T checked(adi::Result<T> result) {
    if (!result) fail(result.message());
    return std::move(*result);
}

}  // namespace

/// Host memory comes after the board that reaches it.
class Reach final : public emulator::HostMemory {
  public:
    bool read(std::uint32_t bus, std::span<std::byte> to) override { return memory->read(bus, to); }
    bool write(std::uint32_t bus, std::span<const std::byte> from) override {
        return memory->write(bus, from);
    }
    Memory* memory = nullptr;
};

struct Pair::Node {
    Node(std::uint32_t id, emulator::Simulation& simulation, const emulator::Machine& machine,
         Trace* trace)
        : board(id, simulation, machine, reach, [] {}),
          clock(board, false),  // hosts store by events
          host(simulation, machine, board, trace) {
        reach.memory = &host.memory();
        if (trace != nullptr) {
            watcher = std::make_unique<emulator::TracedBoard>(id, *trace);
            board.watch(watcher.get());
        }
    }
    Reach reach;
    emulator::Board board;
    emulator::BoardProcessor clock;
    Host host;
    std::unique_ptr<emulator::TracedBoard> watcher;
    std::vector<std::uint8_t> route;  // to the other
};

Pair::Pair(const emulator::Machine& machine, const firmware::Image& image, const std::string& trace)
    : machine_(machine) {
    if (!trace.empty()) trace_ = checked(Trace::open(trace));
    simulation_.set_lookahead(machine_.cable_ps + machine_.hop_ps);
    const emulator::Topology topology = emulator::default_topology(kNodes);
    const emulator::Routes routes(topology);
    emulator::NetworkOptions options;
    options.trace = trace_.get();
    network_ = checked(emulator::Network::make(topology, machine_, simulation_, options));
    for (unsigned id = 0; id < kNodes; ++id) {
        nodes_[id] = std::make_unique<Node>(id, simulation_, machine_, trace_.get());
        Node& node = *nodes_[id];
        node.route = routes.between(id, 1 - id).value_or(node.route);
        node.board.plug(network_->attach(id, node.board));
        node.board.load(image.bytes, 0);
        simulation_.add(node.clock);
    }
    network_->start();
}

Pair::~Pair() = default;

Host& Pair::host(unsigned node) {
    return nodes_[node]->host;
}

void Pair::start_board(unsigned id, std::uint32_t ring_bus, std::uint32_t status_bus) {
    namespace papers = firmware::papers;
    Node& node = *nodes_[id];
    const auto store = [&](std::size_t offset, std::uint32_t word) {
        node.board.store_word(papers::kControl + static_cast<std::uint32_t>(offset), word);
    };
    std::uint32_t route = 0;
    for (const std::uint8_t byte : node.route) route = route << 8 | byte;
    if (node.route.size() > 4) fail("a route is too long");
    store(offsetof(papers::Control, node), id);
    store(offsetof(papers::Control, skip), 4 - static_cast<std::uint32_t>(node.route.size()));
    store(offsetof(papers::Control, routes) + 4 * (1 - id), route);
    store(offsetof(papers::Control, ring_bus), ring_bus);
    store(offsetof(papers::Control, status_bus), status_bus);
    store(offsetof(papers::Control, go), 1);
}

void Pair::settle() {
    simulation_.advance(simulation_.now() + kStart);
}

void Pair::run(std::function<void()> first, std::function<void()> second) {
    settle();  // the boards listen
    nodes_[0]->host.start(std::move(first));
    nodes_[1]->host.start(std::move(second));
    while (!nodes_[0]->host.done() || !nodes_[1]->host.done()) {
        simulation_.advance(simulation_.now() + kSlice);
        for (const auto& node : nodes_)
            if (const emulator::Fault* fault = node->board.fault())
                fail("the processor of board " + std::to_string(node->board.id()) +
                     " has stopped: " + fault->text());
        const bool done = nodes_[0]->host.done() && nodes_[1]->host.done();
        if (!done && !simulation_.pending()) fail("both hosts wait for nothing");
    }
}

}  // namespace fm_bench
