// Every predefined operation on every type that the standard allows it for, by a table.
//
// The input of a rank is a function of rank, index, operation and type, small enough that no result
// overflows and floating-point results are exact; the expected result is folded rank by rank.
#include <complex>
#include <functional>
#include <type_traits>

#include "test/conformance/coll.hpp"

namespace {

using coll::u;

template <class T>
constexpr bool is_complex = false;
template <class T>
constexpr bool is_complex<std::complex<T>> = true;

enum class Kind { kSum, kProd, kMax, kMin, kLand, kLor, kLxor, kBand, kBor, kBxor };

struct Op {
    const char* name;
    MPI_Op op;
    Kind kind;
};

std::vector<Op> arithmetic() {
    return {{"SUM", MPI_SUM, Kind::kSum}, {"PROD", MPI_PROD, Kind::kProd}};
}
std::vector<Op> ordering() {
    return {{"MAX", MPI_MAX, Kind::kMax}, {"MIN", MPI_MIN, Kind::kMin}};
}
std::vector<Op> logical() {
    return {{"LAND", MPI_LAND, Kind::kLand},
            {"LOR", MPI_LOR, Kind::kLor},
            {"LXOR", MPI_LXOR, Kind::kLxor}};
}
std::vector<Op> bitwise() {
    return {{"BAND", MPI_BAND, Kind::kBand},
            {"BOR", MPI_BOR, Kind::kBor},
            {"BXOR", MPI_BXOR, Kind::kBxor}};
}

std::vector<Op> joined(std::initializer_list<std::vector<Op>> groups) {
    std::vector<Op> all;
    for (const std::vector<Op>& group : groups) all.insert(all.end(), group.begin(), group.end());
    return all;
}

template <class T>
T input(Kind kind, int rank, int index) {
    const unsigned mixed =
        (static_cast<unsigned>(rank) * 2'654'435'761U + static_cast<unsigned>(index) * 40'503U) >>
        7U;
    switch (kind) {
        case Kind::kSum:
            if constexpr (is_complex<T>) {
                using Real = typename T::value_type;
                return {static_cast<Real>(mixed % 9) - 4, static_cast<Real>(mixed / 9 % 7)};
            } else {
                return static_cast<T>(static_cast<int>(mixed % 9) -
                                      (std::is_unsigned_v<T> ? 0 : 4));
            }
        case Kind::kProd: {
            // At most two factors of 2 among 8 ranks, so that 8 bits suffice.
            const bool two = (rank + index) % 4 == 0;
            if constexpr (is_complex<T>) {
                using Real = typename T::value_type;
                return two ? T{0, 1} : T{static_cast<Real>(1 + index % 2), 0};
            } else {
                return static_cast<T>(two ? 2 : 1);
            }
        }
        case Kind::kLand:
        case Kind::kLor:
        case Kind::kLxor:
            if constexpr (is_complex<T>) {
                return {};
            } else {
                return static_cast<T>(static_cast<int>(mixed % 3));
            }
        default:
            if constexpr (is_complex<T>) {
                return {};
            } else if constexpr (std::is_floating_point_v<T>) {
                return static_cast<T>(static_cast<int>(mixed % 2001) - 1000) / 4;
            } else {
                return static_cast<T>(mixed * 2'246'822'519U + mixed);
            }
    }
}

template <class T>
T combined(Kind kind, T a, T b) {
    switch (kind) {
        case Kind::kSum: return static_cast<T>(a + b);
        case Kind::kProd:
            if constexpr (std::is_same_v<T, bool>) {
                return a && b;
            } else {
                return static_cast<T>(a * b);
            }
        default: break;
    }
    if constexpr (!is_complex<T>) {
        switch (kind) {
            case Kind::kMax: return std::max(a, b);
            case Kind::kMin: return std::min(a, b);
            case Kind::kLand: return static_cast<T>(a != T{} && b != T{});
            case Kind::kLor: return static_cast<T>(a != T{} || b != T{});
            case Kind::kLxor: return static_cast<T>((a != T{}) != (b != T{}));
            default: break;
        }
    }
    if constexpr (std::is_integral_v<T>) {
        switch (kind) {
            case Kind::kBand: return static_cast<T>(a & b);
            case Kind::kBor: return static_cast<T>(a | b);
            case Kind::kBxor: return static_cast<T>(a ^ b);
            default: break;
        }
    }
    ADD_FAILURE() << "no such operation";
    return a;
}

class PredefinedOps : public mpitest::MpiTest {
  protected:
    template <class T>
    void check(const char* type_name, MPI_Datatype type, const std::vector<Op>& ops) {
        for (const Op& op : ops) {
            SCOPED_TRACE(std::string(op.name) + " of " + type_name);
            for (const int count : {1, 7, 515}) {
                check_count<T>(type, op, count);
                if (testing::Test::HasFailure()) return;
            }
        }
    }

  private:
    // T as in memory, not as in std::vector (which packs bools).
    template <class T>
    using Array = std::unique_ptr<T[]>;

    template <class T>
    static Array<T> inputs(Kind kind, int rank, int count) {
        Array<T> result(new T[u(count)]());
        for (int i = 0; i < count; ++i) result[u(i)] = input<T>(kind, rank, i);
        return result;
    }

    template <class T>
    static Array<T> expected(Kind kind, int last_rank, int count) {
        Array<T> result = inputs<T>(kind, 0, count);
        for (int i = 0; i < count; ++i) {
            // One rank's value is not normalised to 0 or 1: there is no operation then.
            for (int r = 1; r <= last_rank; ++r)
                result[u(i)] = combined<T>(kind, result[u(i)], input<T>(kind, r, i));
        }
        return result;
    }

    template <class T>
    void check_count(MPI_Datatype type, const Op& op, int count) {
        const Array<T> in = inputs<T>(op.kind, rank(), count);
        const Array<T> whole = expected<T>(op.kind, size() - 1, count);
        Array<T> out(new T[u(count)]());

        MPI_OK(MPI_Allreduce(in.get(), out.get(), count, type, op.op, comm()));
        expect_equal(out.get(), whole.get(), count, "allreduce");

        const int root = size() - 1;
        MPI_OK(MPI_Reduce(in.get(), out.get(), count, type, op.op, root, comm()));
        if (rank() == root) expect_equal(out.get(), whole.get(), count, "reduce");

        MPI_OK(MPI_Scan(in.get(), out.get(), count, type, op.op, comm()));
        expect_equal(out.get(), expected<T>(op.kind, rank(), count).get(), count, "scan");

        std::vector<int> counts(u(size()), count / size());
        counts.back() += count % size();
        MPI_OK(MPI_Reduce_scatter(in.get(), out.get(), counts.data(), type, op.op, comm()));
        expect_equal(out.get(), whole.get() + rank() * (count / size()), counts[u(rank())],
                     "reduce_scatter");
    }

    template <class T>
    void expect_equal(const T* actual, const T* wanted, int count, const char* call) {
        for (int i = 0; i < count; ++i)
            ASSERT_TRUE(actual[i] == wanted[i]) << call << ": element " << i << " of " << count;
    }
};

#define CHECK_OPS(type, c, ...) check<c>(#type, type, joined({__VA_ARGS__}))

TEST_F(PredefinedOps, OnIntegersOfC) {
    CHECK_OPS(MPI_INT, int, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_LONG, long, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_SHORT, short, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_LONG_LONG, long long, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_SIGNED_CHAR, signed char, arithmetic(), ordering(), logical(), bitwise());
}

TEST_F(PredefinedOps, OnUnsignedIntegersOfC) {
    SKIP_ON_PEER(kMpich, "compares 32-bit unsigned integers as signed");
    CHECK_OPS(MPI_UNSIGNED, unsigned, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_UNSIGNED_LONG, unsigned long, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_UNSIGNED_SHORT, unsigned short, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_UNSIGNED_LONG_LONG, unsigned long long, arithmetic(), ordering(), logical(),
              bitwise());
    CHECK_OPS(MPI_UNSIGNED_CHAR, unsigned char, arithmetic(), ordering(), logical(), bitwise());
}

TEST_F(PredefinedOps, OnIntegersOfFixedWidth) {
    SKIP_ON_PEER(kMpich, "compares 32-bit unsigned integers as signed");
    CHECK_OPS(MPI_INT8_T, std::int8_t, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_INT16_T, std::int16_t, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_INT32_T, std::int32_t, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_INT64_T, std::int64_t, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_UINT8_T, std::uint8_t, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_UINT16_T, std::uint16_t, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_UINT32_T, std::uint32_t, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_UINT64_T, std::uint64_t, arithmetic(), ordering(), logical(), bitwise());
}

TEST_F(PredefinedOps, OnFloatingPoint) {
    CHECK_OPS(MPI_FLOAT, float, arithmetic(), ordering());
    CHECK_OPS(MPI_DOUBLE, double, arithmetic(), ordering());
    CHECK_OPS(MPI_LONG_DOUBLE, long double, arithmetic(), ordering());
}

TEST_F(PredefinedOps, OnComplex) {
    CHECK_OPS(MPI_C_COMPLEX, std::complex<float>, arithmetic());
    CHECK_OPS(MPI_C_FLOAT_COMPLEX, std::complex<float>, arithmetic());
    CHECK_OPS(MPI_C_DOUBLE_COMPLEX, std::complex<double>, arithmetic());
    CHECK_OPS(MPI_C_LONG_DOUBLE_COMPLEX, std::complex<long double>, arithmetic());
}

TEST_F(PredefinedOps, OnComplexOfCxx) {
    CHECK_OPS(MPI_CXX_FLOAT_COMPLEX, std::complex<float>, arithmetic());
    CHECK_OPS(MPI_CXX_DOUBLE_COMPLEX, std::complex<double>, arithmetic());
    CHECK_OPS(MPI_CXX_LONG_DOUBLE_COMPLEX, std::complex<long double>, arithmetic());
}

TEST_F(PredefinedOps, OnLogicalTypes) {
    CHECK_OPS(MPI_C_BOOL, bool, logical());
    CHECK_OPS(MPI_CXX_BOOL, bool, logical());
}

TEST_F(PredefinedOps, OnBytes) {
    CHECK_OPS(MPI_BYTE, unsigned char, bitwise());
}

TEST_F(PredefinedOps, OnTypesOfSeveralLanguages) {
    CHECK_OPS(MPI_AINT, MPI_Aint, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_OFFSET, MPI_Offset, arithmetic(), ordering(), logical(), bitwise());
    CHECK_OPS(MPI_COUNT, MPI_Count, arithmetic(), ordering(), logical(), bitwise());
}

TEST_F(PredefinedOps, OnTypesOfFortran) {
    CHECK_OPS(MPI_INTEGER, std::int32_t, arithmetic(), ordering(), bitwise());
    CHECK_OPS(MPI_INTEGER1, std::int8_t, arithmetic(), ordering(), bitwise());
    CHECK_OPS(MPI_INTEGER2, std::int16_t, arithmetic(), ordering(), bitwise());
    CHECK_OPS(MPI_INTEGER4, std::int32_t, arithmetic(), ordering(), bitwise());
    CHECK_OPS(MPI_INTEGER8, std::int64_t, arithmetic(), ordering(), bitwise());
    CHECK_OPS(MPI_REAL, float, arithmetic(), ordering());
    CHECK_OPS(MPI_REAL4, float, arithmetic(), ordering());
    CHECK_OPS(MPI_REAL8, double, arithmetic(), ordering());
    CHECK_OPS(MPI_DOUBLE_PRECISION, double, arithmetic(), ordering());
    CHECK_OPS(MPI_COMPLEX, std::complex<float>, arithmetic());
    CHECK_OPS(MPI_DOUBLE_COMPLEX, std::complex<double>, arithmetic());
    CHECK_OPS(MPI_COMPLEX8, std::complex<float>, arithmetic());
    CHECK_OPS(MPI_COMPLEX16, std::complex<double>, arithmetic());
}

// MINLOC and MAXLOC: of equal values the one with the lower index counts.
template <class First, class Index>
struct Located {
    First value;
    Index index;
};

class Loc : public mpitest::MpiTest {
  protected:
    template <class First, class Index = int>
    void check(MPI_Datatype type) {
        using Pair = Located<First, Index>;
        for (const int count : {1, 6, 1000}) {
            for (const bool minimum : {true, false}) {
                SCOPED_TRACE(std::string(minimum ? "MINLOC" : "MAXLOC") + " of " +
                             std::to_string(count));
                // Values repeat among ranks; indices are not in the order of ranks.
                const auto input = [&](int rank, int i) {
                    return Pair{static_cast<First>((rank * 5 + i) % 3 - 1),
                                static_cast<Index>((rank * 3 + i) % 8 + 100)};
                };
                const auto better = [&](const Pair& a, const Pair& b) {
                    if (a.value == b.value) return a.index < b.index;
                    return minimum ? a.value < b.value : a.value > b.value;
                };
                const auto best = [&](int last, int i) {
                    Pair result = input(0, i);
                    for (int r = 1; r <= last; ++r)
                        if (better(input(r, i), result)) result = input(r, i);
                    return result;
                };
                std::vector<Pair> in(u(count));
                std::vector<Pair> out(u(count));
                for (int i = 0; i < count; ++i) in[u(i)] = input(rank(), i);
                const MPI_Op op = minimum ? MPI_MINLOC : MPI_MAXLOC;
                MPI_OK(MPI_Allreduce(in.data(), out.data(), count, type, op, comm()));
                for (int i = 0; i < count; ++i) {
                    ASSERT_EQ(out[u(i)].value, best(size() - 1, i).value) << i;
                    ASSERT_EQ(out[u(i)].index, best(size() - 1, i).index) << i;
                }
                MPI_OK(MPI_Scan(in.data(), out.data(), count, type, op, comm()));
                for (int i = 0; i < count; ++i) {
                    ASSERT_EQ(out[u(i)].value, best(rank(), i).value) << i;
                    ASSERT_EQ(out[u(i)].index, best(rank(), i).index) << i;
                }
            }
        }
    }
};

TEST_F(Loc, OnEveryPair) {
    check<float>(MPI_FLOAT_INT);
    check<double>(MPI_DOUBLE_INT);
    check<long>(MPI_LONG_INT);
    check<int>(MPI_2INT);
    check<short>(MPI_SHORT_INT);
    check<long double>(MPI_LONG_DOUBLE_INT);
}

TEST_F(Loc, OnEveryPairOfFortran) {
    check<float, float>(MPI_2REAL);
    check<double, double>(MPI_2DOUBLE_PRECISION);
    check<std::int32_t, std::int32_t>(MPI_2INTEGER);
}

}  // namespace
