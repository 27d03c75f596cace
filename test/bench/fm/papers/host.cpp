#include "host.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "firmware/protocol/layout.h"

namespace fm_bench {

// --- memory --------------------------------------------------------------------------------------

std::span<std::byte> Memory::allocate(std::size_t bytes, std::size_t offset) {
    const std::size_t begin = used_ + offset;
    used_ = (begin + bytes + kPage - 1) / kPage * kPage;
    if (bytes_ == nullptr || used_ > kBytes) {
        std::fputs("fm-bench-papers: a host is out of memory\n", stderr);
        std::exit(1);
    }
    return {bytes_.get() + begin, bytes};
}

bool Memory::read(std::uint32_t bus, std::span<std::byte> to) {
    if (bus < kBus || to.size() > kBytes || bus - kBus > kBytes - to.size()) return false;
    std::memcpy(to.data(), bytes_.get() + (bus - kBus), to.size());
    return true;
}

bool Memory::write(std::uint32_t bus, std::span<const std::byte> from) {
    if (bus < kBus || from.size() > kBytes || bus - kBus > kBytes - from.size()) return false;
    std::memcpy(bytes_.get() + (bus - kBus), from.data(), from.size());
    if (written_) written_();
    return true;
}

// --- the script's time ---------------------------------------------------------------------------

Host::Host(emulator::Simulation& simulation, const emulator::Machine& machine,
           emulator::Board& board, emulator::Trace* trace)
    : simulation_(simulation), machine_(machine), board_(board), trace_(trace) {
    memory_.on_write([this] { written(); });
}

Host::~Host() {
    if (fiber_ != nullptr && done_) pool_.recycle(fiber_);
}

void Host::start(std::function<void()> script) {
    script_ = std::move(script);
    fiber_ = pool_.make(
        [](void* self) noexcept {
            static_cast<Host*>(self)->script_();
            static_cast<Host*>(self)->done_ = true;
        },
        this);
    if (fiber_ == nullptr) {
        std::fputs("fm-bench-papers: no memory for a stack\n", stderr);
        std::exit(1);
    }
    resume_at(now());
}

void Host::resume_at(Time when) {
    simulation_.at(when, [this] { fiber_->resume(); });
}

void Host::spend(Time ps, Lane lane, std::string_view what, std::int64_t bytes) {
    if (ps <= 0) return;
    const Time begin = now();
    if (trace_ != nullptr) trace_->span(board_.id(), lane, what, begin, begin + ps, bytes);
    resume_at(begin + ps);
    fiber_->suspend();
}

void Host::written() {
    ++writes_;
    if (std::exchange(waiting_, false)) resume_at(now());
}

void Host::look() {
    resume_at(now() + machine_.poll_ps);
    fiber_->suspend();
    seen_ = writes_;
}

void Host::wait() {
    if (writes_ == seen_) {
        waiting_ = true;
        fiber_->suspend();
    }
    seen_ = writes_;
}

// --- accesses ------------------------------------------------------------------------------------

void Host::copy(std::byte* to, const std::byte* from, std::size_t bytes) {
    const auto n = static_cast<std::int64_t>(bytes);
    spend(machine_.copy_start_ps + n * machine_.copy_byte_ps, Lane::host, "copy", n);
    std::memcpy(to, from, bytes);
}

void Host::write(std::uint32_t address, const void* from, std::size_t bytes) {
    const auto n = static_cast<std::int64_t>(bytes);
    spend(machine_.pio_write_start_ps + n * machine_.pio_write_byte_ps, Lane::pio, "write", n);
    std::memcpy(board_.sram() + address, from, bytes);
    board_.written(address, bytes);
}

void Host::publish(std::uint32_t address, std::uint32_t word) {
    spend(machine_.pio_word_ps, Lane::pio, "write word", 4);
    board_.store_word(address, word);
}

std::uint32_t Host::read(std::uint32_t address) {
    spend(machine_.pio_read_ps, Lane::pio, "read word", 4);
    return board_.load_word(address);
}

}  // namespace fm_bench
