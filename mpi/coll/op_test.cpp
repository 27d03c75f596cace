// The predefined operations against plain scalar arithmetic, and user-defined ones.

#include <gtest/gtest.h>

#include <climits>
#include <complex>
#include <cstring>
#include <random>
#include <vector>

#include "bodies.hpp"

namespace mpi {
namespace {

__extension__ using Int128 = __int128;
__extension__ using Float128 = __float128;

void predefine() {
    static const bool once = (predefine_datatypes(), predefine_ops(), true);
    static_cast<void>(once);
}
Datatype& type_of(MPI_Datatype handle) {
    predefine();
    return *find<Datatype>(handle);
}
Op& op_of(MPI_Op handle) {
    predefine();
    return *find<Op>(handle);
}

constexpr Count kLengths[] = {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 67, 1000};

/// Small whole numbers: exact in every type, without overflow in any product of two.
template <class T>
struct Values {
    static T make(std::mt19937& random) {
        const int low = std::is_unsigned_v<T> ? 0 : -9;
        return static_cast<T>(std::uniform_int_distribution<int>(low, 9)(random));
    }
    static bool same(T a, T b) { return a == b; }
};
template <class T>
struct Values<std::complex<T>> {
    static std::complex<T> make(std::mt19937& random) {
        return {Values<T>::make(random), Values<T>::make(random)};
    }
    static bool same(std::complex<T> a, std::complex<T> b) { return a == b; }
};
struct Complex128 {
    Float128 re;
    Float128 im;
};
template <>
struct Values<Complex128> {
    static Complex128 make(std::mt19937& random) {
        return {Values<Float128>::make(random), Values<Float128>::make(random)};
    }
    static bool same(Complex128 a, Complex128 b) { return a.re == b.re && a.im == b.im; }
};

/// Applies `handle` to vectors of many lengths, aligned and not, and compares with f(in, inout).
template <class T, class F>
void check(MPI_Datatype type, MPI_Op handle, F f) {
    SCOPED_TRACE(reinterpret_cast<std::uintptr_t>(type));
    SCOPED_TRACE(reinterpret_cast<std::uintptr_t>(handle));
    const Op& op = op_of(handle);
    ASSERT_TRUE(op.accepts(type_of(type)));
    ASSERT_EQ(type_of(type).size, static_cast<Count>(sizeof(T)));
    std::mt19937 random(1);
    for (const Count n : kLengths) {
        for (const std::size_t shift : {0U, 1U}) {
            const auto bytes = static_cast<std::size_t>(n) * sizeof(T);
            std::vector<std::byte> in(bytes + 1);
            std::vector<std::byte> inout(bytes + 2, std::byte{0x5a});
            std::vector<T> expected;
            for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
                const T x = Values<T>::make(random);
                const T y = Values<T>::make(random);
                std::memcpy(in.data() + shift + i * sizeof(T), &x, sizeof x);
                std::memcpy(inout.data() + shift + i * sizeof(T), &y, sizeof y);
                expected.push_back(f(x, y));
            }
            op.apply(in.data() + shift, inout.data() + shift, n, type_of(type));
            for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
                T result;
                std::memcpy(&result, inout.data() + shift + i * sizeof(T), sizeof result);
                ASSERT_TRUE(Values<T>::same(result, expected[i])) << i << " of " << n;
            }
            ASSERT_EQ(inout[bytes + 1], std::byte{0x5a});
        }
    }
}

template <class T>
void check_order(MPI_Datatype type) {
    check<T>(type, MPI_MIN, [](T x, T y) { return x < y ? x : y; });
    check<T>(type, MPI_MAX, [](T x, T y) { return x < y ? y : x; });
}
template <class T>
void check_sums(MPI_Datatype type) {
    check<T>(type, MPI_SUM, [](T x, T y) { return static_cast<T>(x + y); });
    check<T>(type, MPI_PROD, [](T x, T y) { return static_cast<T>(x * y); });
}
template <class T>
void check_bits(MPI_Datatype type) {
    check<T>(type, MPI_BAND, [](T x, T y) { return static_cast<T>(x & y); });
    check<T>(type, MPI_BOR, [](T x, T y) { return static_cast<T>(x | y); });
    check<T>(type, MPI_BXOR, [](T x, T y) { return static_cast<T>(x ^ y); });
}
template <class T>
void check_logic(MPI_Datatype type) {
    check<T>(type, MPI_LAND, [](T x, T y) { return static_cast<T>(x && y); });
    check<T>(type, MPI_LOR, [](T x, T y) { return static_cast<T>(x || y); });
    check<T>(type, MPI_LXOR, [](T x, T y) { return static_cast<T>(!x != !y); });
}
template <class T>
void check_integer(MPI_Datatype type) {
    check_order<T>(type);
    check_sums<T>(type);
    check_bits<T>(type);
}
template <class T>
void check_c_integer(MPI_Datatype type) {
    check_integer<T>(type);
    check_logic<T>(type);
}
template <class T>
void check_float(MPI_Datatype type) {
    check_order<T>(type);
    check_sums<T>(type);
}

TEST(Ops, CIntegers) {
    check_c_integer<signed char>(MPI_SIGNED_CHAR);
    check_c_integer<unsigned char>(MPI_UNSIGNED_CHAR);
    check_c_integer<short>(MPI_SHORT);
    check_c_integer<unsigned short>(MPI_UNSIGNED_SHORT);
    check_c_integer<int>(MPI_INT);
    check_c_integer<unsigned>(MPI_UNSIGNED);
    check_c_integer<long>(MPI_LONG);
    check_c_integer<unsigned long>(MPI_UNSIGNED_LONG);
    check_c_integer<long long>(MPI_LONG_LONG);
    check_c_integer<unsigned long long>(MPI_UNSIGNED_LONG_LONG);
    check_c_integer<std::int8_t>(MPI_INT8_T);
    check_c_integer<std::uint8_t>(MPI_UINT8_T);
    check_c_integer<std::int16_t>(MPI_INT16_T);
    check_c_integer<std::uint16_t>(MPI_UINT16_T);
    check_c_integer<std::int32_t>(MPI_INT32_T);
    check_c_integer<std::uint32_t>(MPI_UINT32_T);
    check_c_integer<std::int64_t>(MPI_INT64_T);
    check_c_integer<std::uint64_t>(MPI_UINT64_T);
}

TEST(Ops, OtherIntegers) {
    check_integer<MPI_Aint>(MPI_AINT);
    check_integer<MPI_Offset>(MPI_OFFSET);
    check_integer<MPI_Count>(MPI_COUNT);
    check_integer<std::int32_t>(MPI_INTEGER);
    check_integer<std::int8_t>(MPI_INTEGER1);
    check_integer<std::int16_t>(MPI_INTEGER2);
    check_integer<std::int32_t>(MPI_INTEGER4);
    check_integer<std::int64_t>(MPI_INTEGER8);
    check_integer<Int128>(MPI_INTEGER16);
    check_bits<std::uint8_t>(MPI_BYTE);
}

TEST(Ops, IntegersWrap) {
    short in = 300;
    short inout = 300;
    op_of(MPI_PROD).apply(&in, &inout, 1, type_of(MPI_SHORT));
    EXPECT_EQ(inout, static_cast<short>(90000));
    int one = 1;
    int top = INT_MAX;
    op_of(MPI_SUM).apply(&one, &top, 1, type_of(MPI_INT));
    EXPECT_EQ(top, INT_MIN);
    unsigned short big = 65535;
    unsigned short product = 65535;
    op_of(MPI_PROD).apply(&big, &product, 1, type_of(MPI_UNSIGNED_SHORT));
    EXPECT_EQ(product, 1);
}

TEST(Ops, Floats) {
    check_float<float>(MPI_FLOAT);
    check_float<double>(MPI_DOUBLE);
    check_float<long double>(MPI_LONG_DOUBLE);
    check_float<float>(MPI_REAL);
    check_float<double>(MPI_DOUBLE_PRECISION);
    check_float<float>(MPI_REAL4);
    check_float<double>(MPI_REAL8);
    check_float<Float128>(MPI_REAL16);
}

TEST(Ops, ComplexNumbers) {
    for (const MPI_Datatype type :
         {MPI_C_FLOAT_COMPLEX, MPI_CXX_FLOAT_COMPLEX, MPI_COMPLEX, MPI_COMPLEX8}) {
        check_sums<std::complex<float>>(type);
    }
    for (const MPI_Datatype type :
         {MPI_C_DOUBLE_COMPLEX, MPI_CXX_DOUBLE_COMPLEX, MPI_DOUBLE_COMPLEX, MPI_COMPLEX16}) {
        check_sums<std::complex<double>>(type);
    }
    check_sums<std::complex<long double>>(MPI_C_LONG_DOUBLE_COMPLEX);
    check_sums<std::complex<long double>>(MPI_CXX_LONG_DOUBLE_COMPLEX);
    using C = Complex128;
    check<C>(MPI_COMPLEX32, MPI_SUM, [](C x, C y) { return C{x.re + y.re, x.im + y.im}; });
    check<C>(MPI_COMPLEX32, MPI_PROD, [](C x, C y) {
        return C{x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
    });
}

TEST(Ops, Logicals) {
    check_logic<std::uint8_t>(MPI_C_BOOL);
    check_logic<std::uint8_t>(MPI_CXX_BOOL);
    check_logic<std::int32_t>(MPI_LOGICAL);
    check_logic<std::int8_t>(MPI_LOGICAL1);
    check_logic<std::int16_t>(MPI_LOGICAL2);
    check_logic<std::int32_t>(MPI_LOGICAL4);
    check_logic<std::int64_t>(MPI_LOGICAL8);
    check_logic<Int128>(MPI_LOGICAL16);
}

/// Pairs, with the gap between the members marked: it must come through unchanged.
template <class V, class I>
void check_location(MPI_Datatype type, MPI_Op handle) {
    struct Pair {
        V value;
        I index;
    };
    constexpr std::size_t kAt = offsetof(Pair, index);
    constexpr std::size_t kCount = 501;
    SCOPED_TRACE(reinterpret_cast<std::uintptr_t>(type));
    const Op& op = op_of(handle);
    ASSERT_TRUE(op.accepts(type_of(type)));
    ASSERT_EQ(type_of(type).extent, static_cast<Aint>(sizeof(Pair)));
    std::mt19937 random(2);
    std::uniform_int_distribution<int> small(-2, 2);
    std::vector<std::byte> in(kCount * sizeof(Pair), std::byte{0x33});
    std::vector<std::byte> inout(kCount * sizeof(Pair), std::byte{0x77});
    const auto put = [](std::byte* to, V value, I index) {
        std::memcpy(to, &value, std::is_same_v<V, long double> ? 10 : sizeof value);
        std::memcpy(to + kAt, &index, sizeof index);
    };
    std::vector<std::byte> expected = inout;
    for (std::size_t i = 0; i < kCount; ++i) {
        const std::size_t at = i * sizeof(Pair);
        const V x = static_cast<V>(small(random));
        const V y = static_cast<V>(small(random));
        const I x_index = static_cast<I>(small(random) + 2);
        const I y_index = static_cast<I>(small(random) + 2);
        put(&in[at], x, x_index);
        put(&inout[at], y, y_index);
        const bool better = handle == MPI_MINLOC ? x < y : x > y;
        put(&expected[at], better ? x : y,
            better   ? x_index
            : x != y ? y_index
                     : std::min(x_index, y_index));
    }
    op.apply(in.data(), inout.data(), kCount, type_of(type));
    // A long double ends in 6 bytes that belong to it and mean nothing.
    if constexpr (std::is_same_v<V, long double>) {
        for (std::size_t i = 0; i < kCount; ++i) {
            std::fill_n(inout.data() + i * sizeof(Pair) + 10, 6, std::byte{0x77});
        }
    }
    EXPECT_EQ(inout, expected);
}

TEST(Ops, Locations) {
    for (const MPI_Op op : {MPI_MINLOC, MPI_MAXLOC}) {
        check_location<float, int>(MPI_FLOAT_INT, op);
        check_location<double, int>(MPI_DOUBLE_INT, op);
        check_location<long, int>(MPI_LONG_INT, op);
        check_location<int, int>(MPI_2INT, op);
        check_location<short, int>(MPI_SHORT_INT, op);
        check_location<long double, int>(MPI_LONG_DOUBLE_INT, op);
        check_location<float, float>(MPI_2REAL, op);
        check_location<double, double>(MPI_2DOUBLE_PRECISION, op);
        check_location<int, int>(MPI_2INTEGER, op);
    }
}

TEST(Ops, AcceptWhatTheStandardAllowsAndNothingElse) {
    predefine();
    // MPI-5.0 §6.9.2 by category: c_integer … other, see mpi/core/machine.hpp; and, as MPICH and
    // Open MPI do, logical operations on the integers of MPI (MPI_AINT, MPI_COUNT, MPI_OFFSET).
    const auto allowed = [](MPI_Op op, Category c) {
        const bool number = c == Category::c_integer || c == Category::fortran_integer ||
                            c == Category::floating || c == Category::multi_language;
        if (op == MPI_MIN || op == MPI_MAX) return number;
        if (op == MPI_SUM || op == MPI_PROD) return number || c == Category::complex;
        if (op == MPI_LAND || op == MPI_LOR || op == MPI_LXOR) {
            return c == Category::c_integer || c == Category::logical ||
                   c == Category::multi_language;
        }
        if (op == MPI_BAND || op == MPI_BOR || op == MPI_BXOR) {
            return c == Category::byte || (number && c != Category::floating);
        }
        if (op == MPI_MINLOC || op == MPI_MAXLOC) return c == Category::pair;
        return false;
    };
    const MPI_Op ops[] = {MPI_SUM,    MPI_PROD,   MPI_MIN,     MPI_MAX,  MPI_BAND,
                          MPI_BOR,    MPI_BXOR,   MPI_LAND,    MPI_LOR,  MPI_LXOR,
                          MPI_MINLOC, MPI_MAXLOC, MPI_REPLACE, MPI_NO_OP};
    for (const MPI_Op handle : ops) {
        const Op& op = op_of(handle);
        EXPECT_TRUE(op.commutative);
        for (std::uintptr_t value = 0x201; value < 0x300; ++value) {
            const Datatype* type = find<Datatype>(reinterpret_cast<MPI_Datatype>(value));
            if (type == nullptr) continue;
            SCOPED_TRACE(value);
            ASSERT_EQ(op.accepts(*type), allowed(handle, type->category));
            if (op.accepts(*type)) {
                ASSERT_NE(op.kernels[static_cast<std::size_t>(type->machine)], nullptr);
            }
        }
    }
    Datatype* derived = nullptr;
    ASSERT_EQ(type_contiguous(2, type_of(MPI_INT), derived), Status::ok);
    for (const MPI_Op handle : ops) EXPECT_FALSE(op_of(handle).accepts(*derived));
    ASSERT_EQ(type_free(*derived), Status::ok);
}

struct Call {
    void* in;
    void* inout;
    Count length;
    MPI_Datatype type;
};
std::vector<Call> calls;

void record(void* in, void* inout, int* length, MPI_Datatype* type) {
    calls.push_back({in, inout, *length, *type});
}
void record_c(void* in, void* inout, MPI_Count* length, MPI_Datatype* type) {
    calls.push_back({in, inout, *length, *type});
}
/// 2x2 matrices by rows, a product that does not commute.
void multiply(void* in, void* inout, int* length, MPI_Datatype*) {
    const auto* a = static_cast<const int*>(in);
    auto* b = static_cast<int*>(inout);
    for (int i = 0; i < *length; ++i, a += 4, b += 4) {
        const int product[] = {a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3],
                               a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3]};
        std::memcpy(b, product, sizeof product);
    }
}

TEST(UserOps, GetTheHandleAndTheOperandsInOrder) {
    Op* op = nullptr;
    ASSERT_EQ(op_create(&multiply, 0, op), Status::ok);
    EXPECT_FALSE(op->commutative);
    Datatype* matrix = nullptr;
    ASSERT_EQ(type_contiguous(4, type_of(MPI_INT), matrix), Status::ok);
    EXPECT_TRUE(op->accepts(*matrix));
    const int in[] = {1, 1, 0, 1, 2, 0, 0, 2};
    int inout[] = {1, 0, 1, 1, 1, 2, 3, 4};
    op->apply(in, inout, 2, *matrix);
    EXPECT_EQ(inout[0], 2);
    EXPECT_EQ(inout[3], 1);
    EXPECT_EQ(inout[7], 8);

    op->function = &record;
    calls.clear();
    op->apply(in, inout, 2, *matrix);
    ASSERT_EQ(calls.size(), 1U);
    EXPECT_EQ(calls[0].type, handle_of<MPI_Datatype>(*matrix));
    EXPECT_EQ(calls[0].in, in);
    const MPI_Op handle = handle_of<MPI_Op>(*op);
    retain(op);
    ASSERT_EQ(op_free(*op), Status::ok);
    EXPECT_EQ(find<Op>(handle), nullptr);
    op->apply(in, inout, 1, *matrix);  // a pending use still may
    EXPECT_EQ(calls.size(), 2U);
    release(op);
    ASSERT_EQ(type_free(*matrix), Status::ok);
}

TEST(UserOps, CountsBeyondIntComeInChunks) {
    Op* op = nullptr;
    ASSERT_EQ(op_create(&record, 1, op), Status::ok);
    EXPECT_TRUE(op->commutative);
    // Addresses alone: the function above touches no element.
    auto* in = reinterpret_cast<std::byte*>(std::uintptr_t{1} << 40);
    auto* inout = reinterpret_cast<std::byte*>(std::uintptr_t{1} << 41);
    const Count n = 2 * Count{INT_MAX} + 5;
    calls.clear();
    op->apply(in, inout, n, type_of(MPI_DOUBLE));
    ASSERT_EQ(calls.size(), 3U);
    EXPECT_EQ(calls[0].length, INT_MAX);
    EXPECT_EQ(calls[2].length, 5);
    EXPECT_EQ(calls[1].in, in + 8 * Count{INT_MAX});
    EXPECT_EQ(calls[2].inout, inout + 16 * Count{INT_MAX});
    EXPECT_EQ(calls[2].type, MPI_DOUBLE);
    op->function_c = &record_c;
    calls.clear();
    op->apply(in, inout, n, type_of(MPI_DOUBLE));
    ASSERT_EQ(calls.size(), 1U);
    EXPECT_EQ(calls[0].length, n);
    ASSERT_EQ(op_free(*op), Status::ok);
}

}  // namespace
}  // namespace mpi
