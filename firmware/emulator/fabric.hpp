// How packets move: the engine under Network. It knows feeders and channels (worm.hpp), not
// topologies.
//
// Everything is driven by a list of feeders to look at (ready): step() moves what can move from a
// feeder into a channel and so to the next feeder, which becomes ready in turn. Fast: that happens
// at once. Modelled time: a channel is busy while a chunk leaves, and the chunk arrives as an
// event.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "firmware/emulator/network.hpp"
#include "firmware/emulator/worm.hpp"

namespace emulator {

class Fabric;

constexpr Time kDefaultTimeout = 62'500'000'000;  // register TIMEOUT, code 0: 1/16 s

/// A board's end of its cable.
struct Endpoint final : Cable {
    Fabric* fabric = nullptr;
    std::uint32_t board = 0;
    Connector* connector = nullptr;
    Feeder source;
    Feeder inbox;
    Channel* out = nullptr;  ///< null: nothing is plugged in
    Channel* in = nullptr;
    Worm* open = nullptr;       ///< packet whose tail is still to be given
    Worm* sending = nullptr;    ///< packet of which a piece has not left yet
    bool throwing = false;      ///< what is given up to the next tail is of a packet that was reset
    Worm* receiving = nullptr;  ///< packet of which bytes were taken
    std::uint64_t taken = 0;    ///< of it
    Time receive_begin = 0;
    Time timeout = 0;
    Time slow = 0;  ///< fault: each packet waits so long
    bool slow_waits = false;
    bool slow_done = false;
    std::string name;           ///< of the packet that is being sent, for the trace
    std::string received_name;  ///< and of the one that comes

    void send(std::span<const std::uint8_t> piece, bool tail) override;
    void resume() override;
    bool up() const override { return out != nullptr && out->up && in->up; }
    void set_timeout(Time time) override;
};

/// What a packet is, for the trace. `bytes` may begin with route bytes.
std::string packet_name(std::span<const std::uint8_t> bytes);

class Fabric {
  public:
    Fabric(const Machine& machine, Scheduler& scheduler, NetworkOptions options);
    ~Fabric();
    Fabric(const Fabric&) = delete;
    Fabric& operator=(const Fabric&) = delete;

    // --- building -------------------------------------------------------------------------------

    /// Switch `ports.size()`; a port leads into the channel that is set with connect().
    void add_switch(std::uint32_t ports);
    Feeder& port(std::uint32_t node, std::uint32_t index) { return *switches_[node].in[index]; }
    std::vector<std::unique_ptr<Feeder>>& ports(std::uint32_t node) { return switches_[node].in; }
    void set_out(std::uint32_t node, std::uint32_t index, Channel& channel) {
        switches_[node].out[index] = &channel;
    }
    Endpoint& add_endpoint(std::uint32_t board);
    Channel& add_channel(Feeder& sink, const FaultPlan::Rates& rates);

    // --- running --------------------------------------------------------------------------------

    /// Has the engine look at what is ready, from an event.
    void run();
    /// The same soon: for calls from a board.
    void kick();
    void ready(Feeder& feeder);

    Worm* new_worm(std::uint32_t board);
    Chunk* new_chunk(Worm& worm, std::span<const std::uint8_t> bytes);
    void push(Feeder& feeder, Chunk* chunk);
    /// One use less.
    void drop_use(Worm& worm);

    /// Throws the packet away wherever it is; boards that sent or took of it are told.
    void purge(Worm& worm);
    /// The link works, or no longer; what is on it is lost.
    void set_up(Channel& channel, bool up);
    /// All packets that are in this feeder, or pass it.
    void purge_feeder(Feeder& feeder);
    void arm_watchdog();

    bool timed() const { return timed_; }
    Scheduler& scheduler() { return scheduler_; }
    const NetworkOptions& options() const { return options_; }
    const NetworkCounters& counters() const { return counters_; }
    std::size_t in_flight() const { return active_.size(); }
    NetworkCounters& counters() { return counters_; }
    void free_first(Feeder& feeder);

  private:
    struct Switch {
        std::vector<std::unique_ptr<Feeder>> in;
        std::vector<Channel*> out;
    };

    void step(Feeder& feeder);
    bool start(Feeder& feeder);
    enum class Way : std::uint8_t { found, bad, unknown };
    Way route(Feeder& feeder, Channel** out);
    void discard(Feeder& feeder, std::uint64_t* counter);
    void grant(Feeder& feeder, Channel& channel);
    void release(Feeder& feeder);
    void pass_on(Channel& channel);
    void finish(Feeder& feeder);
    void shrink(Feeder& feeder, std::size_t bytes);
    Chunk* unlink(Feeder& feeder);
    void free_chunk(Chunk* chunk);
    void leave(Feeder& feeder, Channel& channel);
    void left(Channel& channel);
    void arrive(Channel& channel, Chunk* chunk);
    void piece_sent(Feeder& feeder);
    void deliver(Feeder& inbox);
    void took(Endpoint& endpoint, Chunk& chunk, std::size_t bytes);
    void forget(Feeder& feeder, Worm& worm);
    void reset_board(Feeder& feeder, Worm& worm);
    Time timeout_of(const Worm& worm) const;
    Time watch_period() const;
    void reset_still(Time period);

    // Faults (injector.cpp).
    void choose_fate(Channel& channel);
    void corrupt(Channel& channel, Chunk& chunk);
    /// False: the chunk does not reach the sink, and is gone.
    bool inject(Channel& channel, Chunk* chunk);
    void end_fate(Channel& channel);
    void let_go(Channel& channel);

    const Machine& machine_;
    Scheduler& scheduler_;
    const bool timed_;
    NetworkOptions options_;
    NetworkCounters counters_;
    Random random_;
    std::vector<Switch> switches_;
    std::vector<std::unique_ptr<Endpoint>> endpoints_;
    std::array<Endpoint*, 256> by_board_{};
    std::vector<std::unique_ptr<Channel>> channels_;
    std::vector<Feeder*> ready_;
    bool running_ = false;
    bool kicked_ = false;
    bool watching_ = false;
    std::vector<Worm*> active_;
    std::vector<Worm*> free_worms_;
    std::vector<Chunk*> free_chunks_;
};

}  // namespace emulator
