#include "firmware/emulator/core.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdio>
#include <cstring>

namespace emulator {

namespace {

template <class T>
T raw_load(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

std::uint32_t swap_word(std::uint32_t v) {
    return __builtin_bswap32(v);
}

/// SRAM is big-endian; other processes may write here at any time.
std::uint32_t shared_load(std::byte* at, unsigned size) {
    if (size == 4)
        return swap_word(std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(at))
                             .load(std::memory_order_acquire));
    if (size == 2)
        return __builtin_bswap16(
            std::atomic_ref<std::uint16_t>(*reinterpret_cast<std::uint16_t*>(at))
                .load(std::memory_order_acquire));
    return std::atomic_ref<std::uint8_t>(*reinterpret_cast<std::uint8_t*>(at))
        .load(std::memory_order_acquire);
}

void shared_store(std::byte* at, unsigned size, std::uint32_t value) {
    if (size == 4)
        std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(at))
            .store(swap_word(value), std::memory_order_release);
    else if (size == 2)
        std::atomic_ref<std::uint16_t>(*reinterpret_cast<std::uint16_t*>(at))
            .store(__builtin_bswap16(static_cast<std::uint16_t>(value)), std::memory_order_release);
    else
        std::atomic_ref<std::uint8_t>(*reinterpret_cast<std::uint8_t*>(at))
            .store(static_cast<std::uint8_t>(value), std::memory_order_release);
}

std::uint32_t extend(std::uint32_t value, unsigned size, bool zero) {
    if (zero || size == 4) return value;
    const unsigned up = 32 - size * 8;
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(value << up) >> up);
}

}  // namespace

std::string Fault::text() const {
    char line[128];
    std::snprintf(line, sizeof line, "pc %08x, instruction %08x, address %08x\n", pc, instruction,
                  address);
    std::string text = reason + ": " + line;
    for (unsigned i = 0; i < registers.size(); ++i) {
        std::snprintf(line, sizeof line, "r%-2u %08x%c", i, registers[i], i % 8 == 7 ? '\n' : ' ');
        text += line;
    }
    return text;
}

Core::Core(const CoreMemory& memory, Bus& bus) : memory_(memory), bus_(bus) {
    // Three more, which stay wild: what lies in the shadow of the last instruction.
    code_.resize(memory_.code_bytes / 4 + 3);
    seen_.reserve(kSeen);
    for (std::size_t i = code_.size() - 3; i < code_.size(); ++i) code_[i].op = Op::wild;
}

void Core::reset(std::uint32_t pc, std::uint32_t sp, std::uint64_t cycles) {
    state_ = State{};
    state_.registers[1] = ~0U;
    state_.registers[4] = sp;
    state_.pc = pc;
    state_.next = pc + 4;
    state_.after = pc + 8;
    undecode(0, memory_.code_bytes);
    skipped_ += cycles - cycles_;
    cycles_ = turn_began_ = cycles;
    fault_.reset();
    wake();
    if (pc % 4 != 0 || pc >= memory_.code_bytes) fail("the program starts outside of the text", pc);
}

void Core::profile(bool on) {
    profile_ = on;
    counts_.resize(code_.size());
}

void Core::fail(std::string reason, std::uint32_t address) {
    if (fault_) return;
    fault_ = std::make_unique<Fault>();
    fault_->reason = std::move(reason);
    fault_->pc = state_.registers[2];
    if (fault_->pc < memory_.code_bytes)
        fault_->instruction = swap_word(raw_load<std::uint32_t>(memory_.sram + fault_->pc));
    fault_->address = address;
    std::copy_n(state_.registers.begin(), 32, fault_->registers.begin());
    limit_ = cycles_;
}

void Core::stop_at(std::uint64_t cycles) {
    if (cycles < limit_) limit_ = cycles;
}

Core::Stop Core::run(std::uint64_t limit, bool skip_idle) {
    limit_ = limit;
    while (fault_ == nullptr && cycles_ < limit_) {
        if (idle_ && !unchanged()) wake();
        if (idle_) {
            if (!skip_idle) return Stop::idle;
            const std::uint64_t turns = (limit_ - cycles_) / period_ * period_;
            cycles_ += turns;
            skipped_ += turns;
            turn_began_ = cycles_;
            idle_ = false;
            if (cycles_ == limit_) {
                idle_ = true;
                break;
            }
        }
        interpret();
    }
    if (fault_) return Stop::fault;
    return idle_ ? Stop::idle : Stop::budget;
}

// --- memory --------------------------------------------------------------------------------------

void Core::undecode(std::uint32_t address, std::uint64_t bytes) {
    if (address >= code_top_ || bytes == 0) return;
    const std::uint64_t end = std::min<std::uint64_t>(code_top_, address + bytes);
    for (std::uint64_t i = address / 4; i * 4 < end; ++i) code_[i].op = Op::undecoded;
}

void Core::written(std::uint32_t address, std::uint64_t bytes) {
    wake();
    undecode(address, bytes);
}

void Core::decode_at(std::uint32_t address) {
    code_[address / 4] = decode(swap_word(raw_load<std::uint32_t>(memory_.sram + address)));
    code_top_ = std::max(code_top_, address + 4);
}

bool Core::load_slow(std::uint32_t address, unsigned size, std::uint32_t* value) {
    if (address % size != 0) {
        fail("misaligned load", address);
        return false;
    }
    if (address >= memory_.bytes) {
        if (bus_.load(address, size, value)) return fault_ == nullptr;
        fail("load from nowhere", address);
        return false;
    }
    if (unfenced_) {
        // With the one in the process that stores its word and then looks at ours.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        unfenced_ = false;
    }
    *value = shared_load(memory_.sram + address, size);
    if (period_ == 0) {
        if (watched_ < kWatches) watches_[watched_] = {address, size, *value};
        ++watched_;
    }
    return true;
}

bool Core::store_slow(std::uint32_t address, unsigned size, std::uint32_t value) {
    dirty_ = true;
    if (address % size != 0) {
        fail("misaligned store", address);
        return false;
    }
    if (address >= memory_.bytes) {
        if (bus_.store(address, size, value)) return fault_ == nullptr;
        fail("store to nowhere", address);
        return false;
    }
    shared_store(memory_.sram + address, size, value);
    unfenced_ = true;
    bus_.stored(address);
    return true;
}

bool Core::load_at(std::uint32_t address, unsigned size, std::uint32_t* value) {
    if (address % size != 0 || address >= memory_.shared_from)
        return load_slow(address, size, value);
    const std::byte* at = memory_.sram + address;
    if (size == 4)
        *value = swap_word(raw_load<std::uint32_t>(at));
    else if (size == 2)
        *value = __builtin_bswap16(raw_load<std::uint16_t>(at));
    else
        *value = std::to_integer<std::uint32_t>(*at);
    return true;
}

bool Core::store_at(std::uint32_t address, unsigned size, std::uint32_t value) {
    if (address % size != 0 || address >= memory_.shared_from)
        return store_slow(address, size, value);
    dirty_ = true;
    const std::uint32_t big = swap_word(value << (32 - 8 * size));
    std::memcpy(memory_.sram + address, &big, size);
    undecode(address, size);
    return true;
}

/// Op::memory: RRM; SPLS with write back; a load to pc with write back.
bool Core::access_general(const Decoded& d) {
    const std::uint32_t word = d.imm;
    auto& r = state_.registers;
    const unsigned rd = word >> 23 & 31, major = word >> 28;
    bool p = (word >> 17 & 1) != 0, q = (word >> 16 & 1) != 0, store = (major & 1) != 0,
         zero = true;
    unsigned size = 4;
    std::uint32_t moved = 0;
    if (major == 15) {
        p = (word >> 11 & 1) != 0;
        q = (word >> 10 & 1) != 0;
        store = (word >> 13 & 1) != 0;
        zero = (word >> 12 & 1) != 0;
        size = (word >> 14 & 1) != 0 ? 1 : 2;
        moved = r[d.rs1] + static_cast<std::uint32_t>(static_cast<std::int32_t>(word << 22) >> 22);
    } else if (major >= 10) {
        moved = register_operation(word, r[d.rs1], r[d.rs2], state_.flags).value;
        const bool part = (word >> 8 & 7) != 7;
        if (part) size = (word >> 1 & 1) != 0 ? 4 : (word >> 2 & 1) != 0 ? 1 : 2;
        zero = (word & 1) != 0;
    } else {
        moved = r[d.rs1] + extend(word & 0xffff, 2, false);
    }
    const std::uint32_t address = p ? moved : r[d.rs1];
    std::uint32_t value = r[rd];
    if (store ? !store_at(address, size, value) : !load_at(address, size, &value)) return false;
    if (q) r[d.rs1 < 2 ? kSink : d.rs1] = moved;
    if (store) return true;
    value = extend(value, size, zero);
    if (rd != 2) {
        r[d.rd] = value;
        return true;
    }
    if (!jump_to(value)) return false;
    state_.after = value;  // two delay slots
    return true;
}

bool Core::jump_to(std::uint32_t target) {
    if (target % 4 == 0 && target < memory_.code_bytes) return true;
    fail("jump out of the text", target);
    return false;
}

/// Op::alu: any RI, RR or special instruction.
bool Core::alu_general(const Decoded& d) {
    const std::uint32_t word = d.imm, a = state_.registers[d.rs1], b = state_.registers[d.rs2];
    AluResult result;
    if (word >> 28 == 12) {
        const bool condition = holds((word & 7) << 1 | (word >> 16 & 1), state_.flags);
        if ((word >> 8 & 7) == 7 && (word >> 3 & 31) == 0) {
            result.value = condition ? a : b;
            result.flags = sign_flags(result.value);
        } else if (!condition) {
            return true;
        } else {
            result = alu(word, a, b, state_.flags);
        }
    } else {
        result = alu(word, a, b, state_.flags);
    }
    if ((word >> 17 & 1) != 0) state_.flags = result.flags;
    if (d.rd != 2) {
        state_.registers[d.rd] = result.value;
        return true;
    }
    if (!jump_to(result.value)) return false;
    state_.next = result.value;
    state_.after = result.value + 4;
    return true;
}

// --- poll loops ----------------------------------------------------------------------------------

bool Core::unchanged() const {
    for (std::size_t i = first_watch_; i < watched_; ++i)
        if (shared_load(memory_.sram + watches_[i].address, watches_[i].size) != watches_[i].value)
            return false;
    return true;
}

bool Core::idle() const {
    return idle_ && unchanged();
}

std::uint64_t Core::State::hash() const {
    std::uint64_t sum = std::uint64_t{pc} << 32 ^ next ^ flags;
    for (std::size_t i = 3; i < registers.size(); ++i)
        sum += registers[i] * (0x9e3779b97f4a7c15U * (2 * i + 1) >> 32);
    return sum;
}

void Core::forget() {
    seen_.clear();
    first_watch_ = watched_ = 0;
    period_ = 0;
}

bool Core::turn() {
    if (dirty_) {
        dirty_ = false;
        worked_ += cycles_ - turn_began_;
        turn_began_ = cycles_;
        forget();
        quiet_ = 0;
        resume_at_ = kSeen;
        return false;
    }
    polled_ += cycles_ - turn_began_;
    turn_began_ = cycles_;
    ++quiet_;
    // A long loop that stores nothing, but counts, pays for this only now and then.
    if (seen_.size() == kSeen || watched_ > kWatches) {
        if (quiet_ < resume_at_) return false;
        resume_at_ = quiet_ * 2;
        forget();
    }
    const std::uint64_t hash = state_.hash();
    for (const Seen& seen : seen_) {
        if (seen.hash != hash || seen.state != state_) continue;
        if (period_ == 0) {
            period_ = cycles_ - seen.cycles;
            first_watch_ = seen.watched;
        }
        idle_ = unchanged();
        if (idle_) return true;
        break;
    }
    // Known or not: it is not the loop that was known, if one was.
    if (period_ != 0) forget();
    seen_.push_back({hash, cycles_, watched_, state_});
    return false;
}

}  // namespace emulator
