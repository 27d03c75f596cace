// The papers' host software: what a benchmark asks of each.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pair.hpp"

namespace fm_bench {

/// Messages between the two nodes of a pair, seen from one of them. For its script.
class Messages {
  public:
    virtual ~Messages() = default;
    /// Returns when the bytes may be overwritten.
    virtual void send(const std::byte* from, std::size_t bytes) = 0;
    /// The next message is to go there. One at a time.
    virtual void post(std::byte* to, std::size_t bytes) = 0;
    /// Until it is there.
    virtual void wait() = 0;
};

/// A system that a paper describes.
struct System {
    const char* name;     ///< fm1, fm2, mpifm, bip
    const char* machine;  ///< of firmware/emulator/machine.cpp
    const firmware::Image& image;
    bool both_ways;  ///< may send and receive at the same time
    std::unique_ptr<Messages> (*open)(Pair& pair, unsigned node);
};

std::span<const System> systems();
const System* find_system(std::string_view name);

// By file.
std::unique_ptr<Messages> open_fm1(Pair& pair, unsigned node);
std::unique_ptr<Messages> open_fm2(Pair& pair, unsigned node);
std::unique_ptr<Messages> open_mpi_fm(Pair& pair, unsigned node);
std::unique_ptr<Messages> open_bip(Pair& pair, unsigned node);

}  // namespace fm_bench
