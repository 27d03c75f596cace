// The bit-wise and the logical operations. A logical value is true when it is not zero; results
// are 0 and 1, in C and Fortran alike.

#include "mpi/coll/op_kernels.hpp"

namespace mpi::reduction {
namespace {

struct Band {
    template <class T>
    T operator()(T x, T y) const {
        return static_cast<T>(x & y);
    }
};
struct Bor {
    template <class T>
    T operator()(T x, T y) const {
        return static_cast<T>(x | y);
    }
};
struct Bxor {
    template <class T>
    T operator()(T x, T y) const {
        return static_cast<T>(x ^ y);
    }
};
// & and | where && and || would do: without branches the loops vectorise.
struct Land {
    template <class T>
    T operator()(T x, T y) const {
        return static_cast<T>((x != 0) & (y != 0));
    }
};
struct Lor {
    template <class T>
    T operator()(T x, T y) const {
        return static_cast<T>((x | y) != 0);
    }
};
struct Lxor {
    template <class T>
    T operator()(T x, T y) const {
        return static_cast<T>((x != 0) != (y != 0));
    }
};

}  // namespace

constinit const Kernels kBand = Fill().integers_as_unsigned<Band>();
constinit const Kernels kBor = Fill().integers_as_unsigned<Bor>();
constinit const Kernels kBxor = Fill().integers_as_unsigned<Bxor>();
constinit const Kernels kLand = Fill().integers_as_unsigned<Land>();
constinit const Kernels kLor = Fill().integers_as_unsigned<Lor>();
constinit const Kernels kLxor = Fill().integers_as_unsigned<Lxor>();

}  // namespace mpi::reduction
