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

template <class Better>
constexpr Kernels locations() {
    return Fill()
        .set(Machine::f32_i32, locate<float, std::int32_t, Better>)
        .set(Machine::f64_i32, locate<double, std::int32_t, Better>)
        .set(Machine::i64_i32, locate<std::int64_t, std::int32_t, Better>)
        .set(Machine::i32_i32, locate<std::int32_t, std::int32_t, Better>)
        .set(Machine::i16_i32, locate<std::int16_t, std::int32_t, Better>)
        .set(Machine::f80_i32, locate<long double, std::int32_t, Better>)
        .set(Machine::f32_f32, locate<float, float, Better>)
        .set(Machine::f64_f64, locate<double, double, Better>);
}

}  // namespace

constinit const Kernels kMinloc = locations<Less>();
constinit const Kernels kMaxloc = locations<Greater>();

}  // namespace mpi::reduction
