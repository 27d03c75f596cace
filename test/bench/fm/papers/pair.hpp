// Two hosts with a board each on one switch, all in one process and in modelled time.
#pragma once

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "firmware/emulator/network.hpp"
#include "firmware/papers/layout.hpp"
#include "firmware/tools/firmware_image.hpp"
#include "host.hpp"

namespace fm_bench {

/// A word that a board has written to its host's memory.
inline std::uint32_t load_word(const std::byte* from) {
    std::uint32_t word;
    std::memcpy(&word, from, sizeof word);
    return fm_be32(word);
}

class Pair {
  public:
    static constexpr unsigned kNodes = 2;

    /// The boards run `image`, and wait for start_board(). `trace`: a file to write, or empty.
    Pair(const emulator::Machine& machine, const firmware::Image& image, const std::string& trace);
    ~Pair();
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;

    Host& host(unsigned node);
    /// Tells the board who it is, where to and where in its host's memory things are; it then
    /// listens. Part of the start-up: takes no time of the host's.
    void start_board(unsigned node, std::uint32_t ring_bus, std::uint32_t status_bus);
    /// Runs both scripts from one moment on, to their ends. Ends the program if they never end.
    void run(std::function<void()> first, std::function<void()> second);

  private:
    struct Node;

    void settle();

    const emulator::Machine& machine_;
    emulator::Simulation simulation_{true};
    std::unique_ptr<emulator::Trace> trace_;
    std::unique_ptr<emulator::Network> network_;
    std::array<std::unique_ptr<Node>, kNodes> nodes_;
};

}  // namespace fm_bench
