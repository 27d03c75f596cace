// The inner loops of the predefined reductions, one for each operation and machine type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "mpi/core/op.hpp"

namespace mpi::reduction {

__extension__ using I128 = __int128;
__extension__ using U128 = unsigned __int128;
__extension__ using F128 = __float128;

/// An operation's kernels, indexed by Machine; null where the operation is not defined.
using Kernels = std::array<ReduceKernel, kMachines>;

extern const Kernels kSum, kProd, kMin, kMax;                 // op_arithmetic.cpp
extern const Kernels kBand, kBor, kBxor, kLand, kLor, kLxor;  // op_logic.cpp
extern const Kernels kMinloc, kMaxloc;                        // op_location.cpp

/// The loop of every reduction but the pairs': y[i] = F(x[i], y[i]). Elements are loaded and stored
/// by memcpy, which costs nothing and allows any alignment; compilers vectorise it.
template <class T, class F>
void each(const void* in, void* inout, Count n) {
    const auto* __restrict from = static_cast<const std::byte*>(in);
    auto* __restrict to = static_cast<std::byte*>(inout);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        T x;
        T y;
        std::memcpy(&x, from + i * sizeof(T), sizeof(T));
        std::memcpy(&y, to + i * sizeof(T), sizeof(T));
        y = F{}(x, y);
        std::memcpy(to + i * sizeof(T), &y, sizeof(T));
    }
}

/// Filling a table of kernels.
class Fill {
  public:
    constexpr Fill& set(Machine machine, ReduceKernel kernel) {
        kernels_[static_cast<std::size_t>(machine)] = kernel;
        return *this;
    }
    /// The integers, by operations that only look at their bits or wrap: signed as unsigned ones.
    template <class F>
    constexpr Fill& integers_as_unsigned() {
        return set(Machine::i8, each<std::uint8_t, F>)
            .set(Machine::u8, each<std::uint8_t, F>)
            .set(Machine::i16, each<std::uint16_t, F>)
            .set(Machine::u16, each<std::uint16_t, F>)
            .set(Machine::i32, each<std::uint32_t, F>)
            .set(Machine::u32, each<std::uint32_t, F>)
            .set(Machine::i64, each<std::uint64_t, F>)
            .set(Machine::u64, each<std::uint64_t, F>)
            .set(Machine::i128, each<U128, F>);
    }
    template <class F>
    constexpr Fill& integers() {
        return set(Machine::i8, each<std::int8_t, F>)
            .set(Machine::u8, each<std::uint8_t, F>)
            .set(Machine::i16, each<std::int16_t, F>)
            .set(Machine::u16, each<std::uint16_t, F>)
            .set(Machine::i32, each<std::int32_t, F>)
            .set(Machine::u32, each<std::uint32_t, F>)
            .set(Machine::i64, each<std::int64_t, F>)
            .set(Machine::u64, each<std::uint64_t, F>)
            .set(Machine::i128, each<I128, F>);
    }
    template <class F>
    constexpr Fill& floats() {
        return set(Machine::f32, each<float, F>)
            .set(Machine::f64, each<double, F>)
            .set(Machine::f80, each<long double, F>)
            .set(Machine::f128, each<F128, F>);
    }
    constexpr operator Kernels() const { return kernels_; }

  private:
    Kernels kernels_{};
};

}  // namespace mpi::reduction
