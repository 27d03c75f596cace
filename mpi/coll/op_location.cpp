// MPI_MINLOC and MPI_MAXLOC (MPI-5.0 §6.9.4): the better value with its index; of equal values the
// lower index. The gap inside a pair belongs to the user and is never written.

#include "mpi/coll/op_kernels.hpp"

namespace mpi::reduction {
namespace {

struct Less {
    template <class T>
    bool operator()(T x, T y) const {
        return x < y;
    }
};
struct Greater {
    template <class T>
    bool operator()(T x, T y) const {
        return x > y;
    }
};

template <class Value, class Index, class Better>
void locate(const void* in, void* inout, Count n) {
    struct Pair {
        Value value;
        Index index;
    };
    constexpr std::size_t kIndexAt = offsetof(Pair, index);
    const auto* __restrict from = static_cast<const std::byte*>(in);
    auto* __restrict to = static_cast<std::byte*>(inout);
    for (Count i = 0; i < n; ++i, from += sizeof(Pair), to += sizeof(Pair)) {
        Value x;
        Value y;
        Index x_index;
        Index y_index;
        std::memcpy(&x, from, sizeof x);
        std::memcpy(&y, to, sizeof y);
        std::memcpy(&x_index, from + kIndexAt, sizeof x_index);
        std::memcpy(&y_index, to + kIndexAt, sizeof y_index);
        if (Better{}(x, y)) {
            std::memcpy(to, &x, sizeof x);
            std::memcpy(to + kIndexAt, &x_index, sizeof x_index);
        } else if (x == y && x_index < y_index) {
            std::memcpy(to + kIndexAt, &x_index, sizeof x_index);
        }
    }
}

// Of every value with every index.

template <class Value, class Better>
constexpr void set_value(Fill& fill, Machine value) {
    fill.set(pair_machine(value, Machine::i32), locate<Value, std::int32_t, Better>)
        .set(pair_machine(value, Machine::u32), locate<Value, std::uint32_t, Better>)
        .set(pair_machine(value, Machine::i64), locate<Value, std::int64_t, Better>)
        .set(pair_machine(value, Machine::u64), locate<Value, std::uint64_t, Better>);
}

template <class Better>
constexpr Kernels locations() {
    Fill fill;
    set_value<std::int8_t, Better>(fill, Machine::i8);
    set_value<std::int16_t, Better>(fill, Machine::i16);
    set_value<std::int32_t, Better>(fill, Machine::i32);
    set_value<std::int64_t, Better>(fill, Machine::i64);
    set_value<std::uint8_t, Better>(fill, Machine::u8);
    set_value<std::uint16_t, Better>(fill, Machine::u16);
    set_value<std::uint32_t, Better>(fill, Machine::u32);
    set_value<std::uint64_t, Better>(fill, Machine::u64);
    set_value<float, Better>(fill, Machine::f32);
    set_value<double, Better>(fill, Machine::f64);
    set_value<long double, Better>(fill, Machine::f80);
    set_value<F128, Better>(fill, Machine::f128);
    return fill.set(pair_machine(Machine::f32, Machine::f32), locate<float, float, Better>)
        .set(pair_machine(Machine::f64, Machine::f64), locate<double, double, Better>);
}

}  // namespace

constinit const Kernels kMinloc = locations<Less>();
constinit const Kernels kMaxloc = locations<Greater>();

}  // namespace mpi::reduction
