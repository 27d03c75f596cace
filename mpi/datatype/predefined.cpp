// The predefined datatypes (MPI-5.0 §3.2.2, §5.1, §6.9.4, §19.1.9). Fortran's have the sizes of
// gfortran's defaults. MPI_REAL2 and MPI_COMPLEX4 do not exist here: their handles stay unbound.

#include <array>
#include <cstddef>
#include <iterator>

#include "mpi/core/datatype.hpp"

namespace mpi {
namespace {

__extension__ using Int128 = __int128;
__extension__ using Float128 = __float128;

struct MachineTraits {
    Count size;    ///< bytes of data
    Count extent;  ///< sizeof
    std::uint32_t alignment;
    Count second_at = 0;  ///< pairs: where the second member lies
    Count second_size = 0;
};

template <class T>
constexpr MachineTraits single() {
    return {sizeof(T), sizeof(T), alignof(T)};
}
/// A complex number is two parts without a gap.
template <class T>
constexpr MachineTraits complex_of() {
    return {2 * sizeof(T), 2 * sizeof(T), alignof(T)};
}
template <class V, class I>
constexpr MachineTraits pair() {
    struct Pair {
        V value;
        I index;
    };
    return {sizeof(V) + sizeof(I), sizeof(Pair), alignof(Pair), offsetof(Pair, index), sizeof(I)};
}

constexpr MachineTraits traits_of(Machine machine) {
    switch (machine) {
        case Machine::none: break;
        case Machine::i8:
        case Machine::u8: return single<std::int8_t>();
        case Machine::i16:
        case Machine::u16: return single<std::int16_t>();
        case Machine::i32:
        case Machine::u32: return single<std::int32_t>();
        case Machine::i64:
        case Machine::u64: return single<std::int64_t>();
        case Machine::i128: return single<Int128>();
        case Machine::f32: return single<float>();
        case Machine::f64: return single<double>();
        case Machine::f80: return single<long double>();
        case Machine::f128: return single<Float128>();
        case Machine::c32: return complex_of<float>();
        case Machine::c64: return complex_of<double>();
        case Machine::c80: return complex_of<long double>();
        case Machine::c128: return complex_of<Float128>();
        case Machine::f32_i32: return pair<float, std::int32_t>();
        case Machine::f64_i32: return pair<double, std::int32_t>();
        case Machine::i64_i32: return pair<std::int64_t, std::int32_t>();
        case Machine::i32_i32: return pair<std::int32_t, std::int32_t>();
        case Machine::i16_i32: return pair<std::int16_t, std::int32_t>();
        case Machine::f80_i32: return pair<long double, std::int32_t>();
        case Machine::f32_f32: return pair<float, float>();
        case Machine::f64_f64: return pair<double, double>();
    }
    return {};
}

static_assert(sizeof(int) == 4 && sizeof(long) == 8 && sizeof(long long) == 8);
static_assert(sizeof(wchar_t) == 4 && sizeof(bool) == 1 && sizeof(long double) == 16);

struct Row {
    MPI_Datatype handle;
    Category category;
    Machine machine;
};

const Row kRows[] = {
    {MPI_SHORT, Category::c_integer, Machine::i16},
    {MPI_INT, Category::c_integer, Machine::i32},
    {MPI_LONG, Category::c_integer, Machine::i64},
    {MPI_LONG_LONG, Category::c_integer, Machine::i64},
    {MPI_UNSIGNED_SHORT, Category::c_integer, Machine::u16},
    {MPI_UNSIGNED, Category::c_integer, Machine::u32},
    {MPI_UNSIGNED_LONG, Category::c_integer, Machine::u64},
    {MPI_UNSIGNED_LONG_LONG, Category::c_integer, Machine::u64},
    {MPI_SIGNED_CHAR, Category::c_integer, Machine::i8},
    {MPI_UNSIGNED_CHAR, Category::c_integer, Machine::u8},
    {MPI_INT8_T, Category::c_integer, Machine::i8},
    {MPI_UINT8_T, Category::c_integer, Machine::u8},
    {MPI_INT16_T, Category::c_integer, Machine::i16},
    {MPI_UINT16_T, Category::c_integer, Machine::u16},
    {MPI_INT32_T, Category::c_integer, Machine::i32},
    {MPI_UINT32_T, Category::c_integer, Machine::u32},
    {MPI_INT64_T, Category::c_integer, Machine::i64},
    {MPI_UINT64_T, Category::c_integer, Machine::u64},
    {MPI_AINT, Category::multi_language, Machine::i64},
    {MPI_COUNT, Category::multi_language, Machine::i64},
    {MPI_OFFSET, Category::multi_language, Machine::i64},
    {MPI_FLOAT, Category::floating, Machine::f32},
    {MPI_DOUBLE, Category::floating, Machine::f64},
    {MPI_LONG_DOUBLE, Category::floating, Machine::f80},
    {MPI_C_FLOAT_COMPLEX, Category::complex, Machine::c32},
    {MPI_C_DOUBLE_COMPLEX, Category::complex, Machine::c64},
    {MPI_C_LONG_DOUBLE_COMPLEX, Category::complex, Machine::c80},
    {MPI_CXX_FLOAT_COMPLEX, Category::complex, Machine::c32},
    {MPI_CXX_DOUBLE_COMPLEX, Category::complex, Machine::c64},
    {MPI_CXX_LONG_DOUBLE_COMPLEX, Category::complex, Machine::c80},
    {MPI_C_BOOL, Category::logical, Machine::u8},
    {MPI_CXX_BOOL, Category::logical, Machine::u8},
    {MPI_BYTE, Category::byte, Machine::u8},
    {MPI_CHAR, Category::other, Machine::i8},
    {MPI_WCHAR, Category::other, Machine::i32},
    {MPI_PACKED, Category::other, Machine::u8},
    {MPI_FLOAT_INT, Category::pair, Machine::f32_i32},
    {MPI_DOUBLE_INT, Category::pair, Machine::f64_i32},
    {MPI_LONG_INT, Category::pair, Machine::i64_i32},
    {MPI_2INT, Category::pair, Machine::i32_i32},
    {MPI_SHORT_INT, Category::pair, Machine::i16_i32},
    {MPI_LONG_DOUBLE_INT, Category::pair, Machine::f80_i32},
    // Fortran
    {MPI_LOGICAL, Category::logical, Machine::u32},
    {MPI_INTEGER, Category::fortran_integer, Machine::i32},
    {MPI_REAL, Category::floating, Machine::f32},
    {MPI_COMPLEX, Category::complex, Machine::c32},
    {MPI_DOUBLE_PRECISION, Category::floating, Machine::f64},
    {MPI_DOUBLE_COMPLEX, Category::complex, Machine::c64},
    {MPI_CHARACTER, Category::other, Machine::i8},
    {MPI_2REAL, Category::pair, Machine::f32_f32},
    {MPI_2DOUBLE_PRECISION, Category::pair, Machine::f64_f64},
    {MPI_2INTEGER, Category::pair, Machine::i32_i32},
    {MPI_LOGICAL1, Category::logical, Machine::u8},
    {MPI_LOGICAL2, Category::logical, Machine::u16},
    {MPI_LOGICAL4, Category::logical, Machine::u32},
    {MPI_LOGICAL8, Category::logical, Machine::u64},
    {MPI_LOGICAL16, Category::logical, Machine::i128},
    {MPI_INTEGER1, Category::fortran_integer, Machine::i8},
    {MPI_INTEGER2, Category::fortran_integer, Machine::i16},
    {MPI_INTEGER4, Category::fortran_integer, Machine::i32},
    {MPI_INTEGER8, Category::fortran_integer, Machine::i64},
    {MPI_INTEGER16, Category::fortran_integer, Machine::i128},
    {MPI_REAL4, Category::floating, Machine::f32},
    {MPI_REAL8, Category::floating, Machine::f64},
    {MPI_REAL16, Category::floating, Machine::f128},
    {MPI_COMPLEX8, Category::complex, Machine::c32},
    {MPI_COMPLEX16, Category::complex, Machine::c64},
    {MPI_COMPLEX32, Category::complex, Machine::c128},
};

void describe(Datatype& type, const Row& row) {
    const MachineTraits traits = traits_of(row.machine);
    const bool is_pair = row.category == Category::pair;
    const Count first_size = traits.size - traits.second_size;
    type.predefined = true;
    type.committed = true;
    type.category = row.category;
    type.machine = row.machine;
    type.size = traits.size;
    type.extent = traits.extent;
    type.true_extent = is_pair ? traits.second_at + traits.second_size : traits.size;
    type.alignment = traits.alignment;
    type.elements = is_pair ? 2 : 1;
    type.element_size = !is_pair || first_size == traits.second_size ? first_size : 0;
    type.shape = make_run(0, static_cast<std::uint64_t>(first_size));
    if (is_pair) {
        type.shape =
            make_list({type.shape,
                       make_run(traits.second_at, static_cast<std::uint64_t>(traits.second_size))});
    }
    type.dense = !type.shape.node && type.extent == type.size;
}

}  // namespace

void predefine_datatypes() {
    // Never destroyed: programs may call MPI from destructors of their own static objects.
    static auto& types = *new std::array<Datatype, std::size(kRows)>;
    for (std::size_t i = 0; i < types.size(); ++i) {
        describe(types[i], kRows[i]);
        const auto id = static_cast<Id>(reinterpret_cast<std::uintptr_t>(kRows[i].handle));
        table<Datatype>().predefine(id, &types[i]);
    }
}

}  // namespace mpi
