#include "firmware/emulator/board.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <system_error>

#include "firmware/protocol/layout.h"
#include "firmware/protocol/registers.h"

namespace emulator {

namespace {

std::uint32_t load_big(const std::byte* from) {
    std::uint32_t word;
    std::memcpy(&word, from, sizeof word);
    return fm_be32(word);
}

/// The first cycle that does not begin before `when`.
std::uint64_t limit_of(Time when, const Machine& machine) {
    when = std::min(when, kNever - machine.cycle_ps);
    return static_cast<std::uint64_t>(std::max<Time>(when + machine.cycle_ps - 1, 0)) /
           static_cast<std::uint64_t>(machine.cycle_ps);
}

std::uint32_t sum_words(const std::byte* from, std::size_t bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes; i += 4) sum += load_big(from + i);
    return sum;
}

}  // namespace

void copy_released(std::byte* to, std::span<const std::byte> from) {
    const std::size_t bytes = from.size(), tail = std::min<std::size_t>(bytes, 8);
    std::memcpy(to, from.data(), bytes - tail);
    for (std::size_t i = bytes - tail; i < bytes; i += 4) {
        std::uint32_t word;
        std::memcpy(&word, from.data() + i, sizeof word);
        // Pairs with the process's acquiring load of the ring's footer.
        std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(to + i))
            .store(word, std::memory_order_release);
    }
}

Board::Board(std::uint32_t id, Scheduler& scheduler, const Machine& machine, HostMemory& memory,
             std::function<void()> host_signal)
    : id_(id),
      scheduler_(scheduler),
      machine_(machine),
      memory_(memory),
      host_signal_(std::move(host_signal)),
      timed_(scheduler.timed()) {
    void* const at =
        mmap(nullptr, FM_SRAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "SRAM");
    sram_ = static_cast<std::byte*>(at);
    const CoreMemory parts{sram_, FM_SRAM_BYTES, FM_SRAM_PRIVATE, FM_SRAM_ENDPOINTS};
    core_ = std::make_unique<Core>(parts, static_cast<Bus&>(*this));
    core_->fail("no program has been loaded", 0);
}

Board::~Board() {
    munmap(sram_, FM_SRAM_BYTES);
}

void Board::load(std::span<const std::uint8_t> image, std::uint32_t entry) {
    ++life_;
    registers_ = Registers{};
    registers_.isr = ISR_DMA | ISR_SEND;
    send_ = Send{};
    receive_ = Receive{};
    dma_ = Dma{};
    const std::size_t bytes = std::min<std::size_t>(image.size(), FM_SRAM_PRIVATE);
    std::memset(sram_, 0, FM_SRAM_PRIVATE);
    std::memcpy(sram_, image.data(), bytes);
    // As if a return address had been pushed: sp is 4 modulo 8.
    const std::uint64_t began = timed_ ? limit_of(time(), machine_) : core_->cycles();
    core_->reset(entry, FM_SRAM_PRIVATE - 4, std::max(began, core_->cycles()));
    if (image.size() > FM_SRAM_PRIVATE) core_->fail("the program does not fit", 0);
}

// --- running -------------------------------------------------------------------------------------

bool Board::run_until(Time until) {
    const Time begin = now();
    const std::uint64_t worked = core_->worked();
    // Without an end there is nothing to skip to.
    const bool skip = until != kNever;
    const bool alive = core_->run(limit_of(until, machine_), skip) != Core::Stop::fault;
    if (watcher_ != nullptr && core_->worked() != worked) {
        const auto work = static_cast<Time>(core_->worked() - worked) * machine_.cycle_ps;
        watcher_->worked(std::max(begin, now() - work), now());
    }
    return alive;
}

void Board::stop_at(Time when) {
    core_->stop_at(limit_of(when, machine_));
}

Core::Stop Board::run(std::uint64_t instructions) {
    if (watcher_ == nullptr) return core_->run(core_->cycles() + instructions, false);
    const Time begin = time();
    const std::uint64_t worked = core_->worked();
    const Core::Stop stop = core_->run(core_->cycles() + instructions, false);
    if (core_->worked() != worked) watcher_->worked(begin, time());
    return stop;
}

bool Board::fail(const char* reason, std::uint32_t address) {
    core_->fail(reason, address);
    return false;
}

// --- the driver's side ---------------------------------------------------------------------------

bool Board::map(std::uint32_t address, int fd, std::size_t bytes) {
    if (address % FM_PAGE_BYTES != 0 || address > FM_SRAM_BYTES || bytes > FM_SRAM_BYTES - address)
        return false;
    written(address, bytes);
    return mmap(sram_ + address, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
           MAP_FAILED;
}

bool Board::unmap(std::uint32_t address, std::size_t bytes) {
    if (address % FM_PAGE_BYTES != 0 || address > FM_SRAM_BYTES || bytes > FM_SRAM_BYTES - address)
        return false;
    written(address, bytes);
    return mmap(sram_ + address, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

std::uint32_t Board::load_word(std::uint32_t address) const {
    if (address % 4 != 0 || address >= FM_SRAM_BYTES) return 0;
    return fm_be32(
        std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(sram_ + address))
            .load(std::memory_order_acquire));
}

void Board::store_word(std::uint32_t address, std::uint32_t word) {
    if (address % 4 != 0 || address >= FM_SRAM_BYTES) return;
    catch_up();
    std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(sram_ + address))
        .store(fm_be32(word), std::memory_order_release);
    core_->written(address, 4);
}

void Board::signal(unsigned n) {
    catch_up();
    set_isr(ISR_LAN_SIG(n & 7));
}

void Board::set_isr(std::uint32_t bits) {
    registers_.isr |= bits;
    core_->wake();
    if ((bits & registers_.eimr) != 0) signal_host();
}

void Board::signal_host() {
    ++counts_.host_signals;
    if (host_signal_) host_signal_();
}

// --- host DMA ------------------------------------------------------------------------------------

bool Board::start_dma(std::uint32_t bytes) {
    const bool to_host = registers_.dma_dir == 0;
    if (dma_.active || ((registers_.ear | registers_.lar | bytes) & 3) != 0 ||
        registers_.lar > FM_SRAM_BYTES || bytes > FM_SRAM_BYTES - registers_.lar) {
        return fail(dma_.active ? "DMA_CTR stored while a transfer is under way"
                                : "host DMA: misaligned, or beyond the SRAM",
                    registers_.lar);
    }
    registers_.isr &= ~ISR_DMA;
    dma_ = {true, to_host, false, registers_.ear, registers_.lar, bytes, 0, 0};
    if (timed_ || watcher_ != nullptr) dma_.begin = time();
    if (!to_host) {
        if (!memory_.read(dma_.bus, {sram_ + dma_.address, bytes})) dma_.failed = true;
        core_->written(dma_.address, bytes);
    }
    if (!timed_) {
        finish_dma();
        return true;
    }
    dma_.end = dma_.begin + machine_.dma_start_ps + machine_.dma_byte_ps * Time{bytes};
    scheduler_.at(dma_.end, [this, life = life_] {
        if (life != life_) return;
        catch_up();
        finish_dma();
    });
    return true;
}

void Board::finish_dma() {
    const std::span<const std::byte> bytes(sram_ + dma_.address, dma_.bytes);
    if (dma_.to_host) {
        if (!memory_.write(dma_.bus, bytes)) dma_.failed = true;
        // Before the firmware's next loads: a process that set `interrupt` and then saw nothing in
        // its ring is seen by the firmware, which wrote the ring and then looks at `interrupt`.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        ++counts_.dma_to_host;
        counts_.dma_to_host_bytes += dma_.bytes;
    } else {
        ++counts_.dma_from_host;
        counts_.dma_from_host_bytes += dma_.bytes;
    }
    if (dma_.failed) ++counts_.dma_failed;
    registers_.dma_status = dma_.failed ? 1 : 0;
    registers_.checksum += sum_words(bytes.data(), bytes.size());
    registers_.ear = dma_.bus + dma_.bytes;
    registers_.lar = dma_.address + dma_.bytes;
    dma_.active = false;
    if (watcher_ != nullptr) watcher_->dma(dma_.begin, time(), dma_.bytes, dma_.to_host);
    set_isr(ISR_DMA);
}

std::uint32_t Board::dma_left() {
    if (!dma_.active) return 0;
    core_->moving();
    const Time left = dma_.end - time(), per_byte = std::max<Time>(machine_.dma_byte_ps, 1);
    const auto bytes = static_cast<std::uint32_t>(std::max<Time>(left, 0) / per_byte) & ~3U;
    return std::clamp<std::uint32_t>(bytes, 4, dma_.bytes);
}

// --- timers --------------------------------------------------------------------------------------

void Board::start_timer(std::uint32_t ticks) {
    const std::uint64_t set = ++registers_.timer_set;
    registers_.timer_end = ticks == 0 ? 0 : time() + Time{ticks} * machine_.rtc_tick_ps;
    if (ticks == 0) return;
    scheduler_.timer(registers_.timer_end, [this, set, life = life_] {
        if (life != life_ || set != registers_.timer_set) return;
        catch_up();
        registers_.timer_end = 0;
        set_isr(ISR_TIME);
    });
}

std::uint32_t Board::timer_left() {
    if (registers_.timer_end == 0) return 0;
    core_->moving();
    const Time left = std::max<Time>(registers_.timer_end - time(), 0);
    return static_cast<std::uint32_t>((left + machine_.rtc_tick_ps - 1) / machine_.rtc_tick_ps);
}

}  // namespace emulator
