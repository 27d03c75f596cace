// MPI_SUM, MPI_PROD, MPI_MIN, MPI_MAX.

#include "mpi/coll/op_kernels.hpp"

namespace mpi::reduction {
namespace {

/// Complex numbers by the plain formulas, as Fortran and -fcx-limited-range have them: a product
/// does not repair the NaNs that infinities make.
template <class T>
struct Complex {
    T re;
    T im;
};

/// Integers wrap; narrow ones are widened first, since C++ would widen them to a signed type.
template <class T>
using Wrapping = std::conditional_t<(sizeof(T) < sizeof(unsigned)), unsigned, T>;

struct Sum {
    template <class T>
    T operator()(T x, T y) const {
        return static_cast<T>(static_cast<Wrapping<T>>(x) + static_cast<Wrapping<T>>(y));
    }
    template <class T>
    Complex<T> operator()(Complex<T> x, Complex<T> y) const {
        return {x.re + y.re, x.im + y.im};
    }
};

struct Product {
    template <class T>
    T operator()(T x, T y) const {
        return static_cast<T>(static_cast<Wrapping<T>>(x) * static_cast<Wrapping<T>>(y));
    }
    template <class T>
    Complex<T> operator()(Complex<T> x, Complex<T> y) const {
        return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
    }
};

struct Min {
    template <class T>
    T operator()(T x, T y) const {
        return x < y ? x : y;
    }
};

struct Max {
    template <class T>
    T operator()(T x, T y) const {
        return x > y ? x : y;
    }
};

template <class F>
constexpr Kernels additive() {
    return Fill()
        .integers_as_unsigned<F>()
        .template floats<F>()
        .set(Machine::c32, each<Complex<float>, F>)
        .set(Machine::c64, each<Complex<double>, F>)
        .set(Machine::c80, each<Complex<long double>, F>)
        .set(Machine::c128, each<Complex<F128>, F>);
}

}  // namespace

constinit const Kernels kSum = additive<Sum>();
constinit const Kernels kProd = additive<Product>();
constinit const Kernels kMin = Fill().integers<Min>().floats<Min>();
constinit const Kernels kMax = Fill().integers<Max>().floats<Max>();

}  // namespace mpi::reduction
