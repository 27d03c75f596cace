#include "adi/testing/sim_job.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string_view>
#include <utility>

#include "adi/testing/sim_device.hpp"

namespace adi::testing {
namespace {

/// What a rank is told by its launcher. Ranks start one after the other, so nobody waits for
/// anybody, and nobody has anything to publish.
class SimBootstrap final : public Bootstrap {
  public:
    SimBootstrap(const SimJob& job, Peer rank) : job_(job), rank_(rank) {}
    int rank() const override { return static_cast<int>(rank_); }
    int size() const override { return static_cast<int>(job_.size()); }
    Result<int> appnum() override { return 0; }
    Result<int> universe_size() override { return size(); }
    std::vector<int> local_ranks() override {
        if (!job_.model().hosts_known) return {rank()};
        const auto [first, number] = job_.host_of(rank_);
        std::vector<int> ranks;
        for (Peer i = 0; i < number; ++i) ranks.push_back(static_cast<int>(first + i));
        return ranks;
    }
    std::string launcher_secret() override { return {}; }
    Result<bool> put(std::string_view, std::string_view) override { return true; }
    Result<std::string> get(int, std::string_view) override {
        return {Status::bad_argument, "no such key"};
    }
    Result<bool> fence() override { return true; }
    void abort(int, std::string_view) noexcept override {}
    Result<bool> finalize() override { return true; }

  private:
    const SimJob& job_;
    Peer rank_;
};

/// At the lowest end of each stack, which has no guard page: there are more stacks than a process
/// may have mappings.
constexpr std::uint64_t kMark = 0x5ac4ed5ac4ed5acf;

}  // namespace

// --- messages ------------------------------------------------------------------------------------

SimMessage* SimMessage::make(Peer from, Peer to, const Header& header) {
    void* memory = ::operator new(sizeof(SimMessage) + header.bytes);
    auto* message = new (memory) SimMessage;
    message->from = from;
    message->to = to;
    message->header = header;
    return message;
}

void SimMessage::free(SimMessage* message) {
    ::operator delete(message);
}

void SimJob::Inbox::push(SimMessage* message) {
    message->next = nullptr;
    (first == nullptr ? first : last->next) = message;
    last = message;
}

SimMessage* SimJob::Inbox::pop() {
    SimMessage* message = first;
    first = message->next;
    return message;
}

// --- life ----------------------------------------------------------------------------------------

SimJob::SimJob(const std::vector<Peer>& host_sizes, const SimModel& model) : model_(model) {
    // The simulator's devices stand in for these two.
    setenv("FATHOM_DEVICE", "self,shm,tcp", 1);
    for (const Peer size : host_sizes) {
        Host host;
        host.first = static_cast<Peer>(ranks_.size());
        host.size = size;
        Rank rank;
        rank.host = static_cast<Peer>(hosts_.size());
        hosts_.push_back(host);
        ranks_.insert(ranks_.end(), size, rank);
    }
    void* memory = mmap(nullptr, ranks_.size() * kStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    stacks_ = static_cast<std::byte*>(memory);
}

SimJob::~SimJob() {
    for (Rank& rank : ranks_) {
        for (Inbox* inbox : {&rank.from_host, &rank.from_network}) {
            while (inbox->first != nullptr) SimMessage::free(inbox->pop());
        }
    }
    for (; !events_.empty(); events_.pop()) {
        if (events_.top().message != nullptr) SimMessage::free(events_.top().message);
    }
    munmap(stacks_, ranks_.size() * kStackBytes);
}

std::pair<Peer, Peer> SimJob::host_of(Peer rank) const {
    const Host& host = hosts_[ranks_[rank].host];
    return {host.first, host.size};
}

Status SimJob::start(Engine& engine, Peer rank, Hooks hooks, std::string* error) {
    hooks.wrap = [this, rank](std::unique_ptr<Device> device) -> std::unique_ptr<Device> {
        const std::string_view name = device->name();
        if (name == "self") return device;
        const auto reach = name == "shm" ? SimDevice::Reach::host : SimDevice::Reach::network;
        return std::make_unique<SimDevice>(*this, rank, reach);
    };
    SimBootstrap boot(*this, rank);
    return engine.start(boot, std::move(hooks), error);
}

// --- fibers --------------------------------------------------------------------------------------

void SimJob::enter(void* argument) noexcept {
    SimJob& job = *static_cast<SimJob*>(argument);
    (*job.body_)(job.entering_);
    ++job.ended_;
}

void SimJob::make_fibers() {
    for (Peer rank = 0; rank < size(); ++rank) {
        std::byte* stack = stacks_ + rank * kStackBytes;
        new (stack) std::uint64_t(kMark);
        ranks_[rank].fiber = Fiber::make_on(stack, kStackBytes, enter, this);
    }
}

void SimJob::unmake_fibers() {
    for (Peer rank = 0; rank < size(); ++rank) {
        Fiber::unmake(std::exchange(ranks_[rank].fiber, nullptr));
        if (*reinterpret_cast<std::uint64_t*>(stacks_ + rank * kStackBytes) == kMark) continue;
        why_ = "the stack of rank " + std::to_string(rank) + " was too small";
    }
}

void SimJob::resume(Peer rank) {
    if (on_switch_) on_switch_(rank);
    entering_ = rank;
    ranks_[rank].idle = false;
    (void)ranks_[rank].fiber->resume();
}

bool SimJob::run(const std::function<void(Peer)>& body) {
    body_ = &body;
    ended_ = 0;
    for (Host& host : hosts_) host.link = {};
    make_fibers();
    for (Peer rank = 0; rank < size(); ++rank) {
        Rank& r = ranks_[rank];
        r.clock = 0;
        r.link = {};
        r.idle = true;
        // What nobody looked at in the run before is there.
        for (Inbox* inbox : {&r.from_host, &r.from_network}) {
            for (SimMessage* m = inbox->first; m != nullptr; m = m->next) m->ready = 0;
        }
        add(0, What::wake, rank, nullptr);
    }
    while (!events_.empty()) {
        const Event event = events_.top();
        events_.pop();
        Rank& rank = ranks_[event.rank];
        switch (event.what) {
            case What::wake:
                if (!rank.idle) break;  // it is awake, or has ended
                rank.clock = std::max(rank.clock, event.time);
                resume(event.rank);
                break;
            case What::inject: inject(event.time, event.message); break;
            case What::arrive: arrive(event.time, event.message); break;
        }
    }
    if (ended_ != size()) {
        why_ = std::to_string(size() - ended_) + " of " + std::to_string(size()) +
               " ranks wait for ever; ranks";
        int named = 0;
        for (Peer rank = 0; rank < size() && named < 8; ++rank) {
            if (!ranks_[rank].idle) continue;
            why_ += ' ' + std::to_string(rank);
            ++named;
        }
        return false;
    }
    unmake_fibers();
    return why_.empty();
}

SimTime SimJob::end() const {
    SimTime last = 0;
    for (const Rank& rank : ranks_) last = std::max(last, rank.clock);
    return last;
}

// --- messages under way --------------------------------------------------------------------------

void SimJob::add(SimTime time, What what, Peer rank, SimMessage* message) {
    events_.push({time, order_++, message, rank, what});
}

namespace {

/// How long a message keeps a link busy with its bytes.
SimTime bytes_time(const LogGP& cost, const SimMessage& message) {
    return message.header.bytes > 1 ? cost.byte * (message.header.bytes - 1) : 0;
}

}  // namespace

void SimJob::send(SimMessage* message) {
    ++messages_;
    Rank& sender = ranks_[message->from];
    sender.clock += costs(*message).overhead;
    // The network's link is shared: whose message comes first is known when the time has come.
    if (!inside(*message)) return add(sender.clock, What::inject, message->from, message);
    inject(sender.clock, message);
}

void SimJob::inject(SimTime time, SimMessage* message) {
    const LogGP& cost = costs(*message);
    Rank& sender = ranks_[message->from];
    Link& link = inside(*message) ? sender.link : hosts_[sender.host].link;
    const SimTime start = std::max(time, link.out_free);
    link.out_free = start + cost.gap + bytes_time(cost, *message);
    add(start + cost.latency, What::arrive, message->to, message);
}

void SimJob::arrive(SimTime time, SimMessage* message) {
    const LogGP& cost = costs(*message);
    Rank& rank = ranks_[message->to];
    const bool local = inside(*message);
    Link& link = local ? rank.link : hosts_[rank.host].link;
    message->ready = std::max(time, link.in_free) + bytes_time(cost, *message);
    link.in_free = message->ready + cost.gap;
    (local ? rank.from_host : rank.from_network).push(message);
    if (rank.idle) add(std::max(message->ready, rank.clock), What::wake, message->to, nullptr);
}

/// Where the message lies that is ready first, or null.
SimJob::Inbox* SimJob::next_of(Rank& rank) {
    Inbox* host = rank.from_host.first != nullptr ? &rank.from_host : nullptr;
    Inbox* network = rank.from_network.first != nullptr ? &rank.from_network : nullptr;
    if (host == nullptr || network == nullptr) return host != nullptr ? host : network;
    return network->first->ready < host->first->ready ? network : host;
}

SimMessage* SimJob::receive(Peer rank) {
    Rank& r = ranks_[rank];
    Inbox* inbox = next_of(r);
    if (inbox == nullptr || inbox->first->ready > r.clock) return nullptr;
    SimMessage* message = inbox->pop();
    r.clock += costs(*message).overhead;
    return message;
}

void SimJob::idle(Peer rank) {
    Rank& r = ranks_[rank];
    // For what is not ready yet arrive() has seen to a wake.
    if (const Inbox* inbox = next_of(r); inbox != nullptr && inbox->first->ready <= r.clock) return;
    r.idle = true;
    r.fiber->suspend();
}

}  // namespace adi::testing
