// The predefined datatypes (MPI-5.0 §3.2.2, §5.1, §6.9.4, §19.1.9), named and unnamed. Fortran's
// have the sizes of gfortran's defaults. MPI_REAL2 and MPI_COMPLEX4 do not exist there: their
// handles stay unbound, which MPI_Type_size tells by MPI_UNDEFINED.

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <map>

#include "bodies.hpp"
#include "mpi/datatype/builder.hpp"

namespace mpi {
namespace {

struct MachineTraits {
    Count size;    ///< bytes of data
    Count extent;  ///< sizeof
    std::uint32_t alignment;
    Count second_at = 0;  ///< pairs: where the second member lies
    Count second_size = 0;
};

constexpr MachineTraits traits_of(Machine machine) {
    if (machine < Machine::first_pair) {
        // Complex numbers are aligned as their parts.
        const bool is_complex = machine >= Machine::c32;
        const int size = size_of(machine);
        return {size, size, static_cast<std::uint32_t>(is_complex ? size / 2 : size)};
    }
    // A pair: a struct as a C compiler lays it out.
    const MachineTraits value = traits_of(members_of(machine).value);
    const MachineTraits index = traits_of(members_of(machine).index);
    const auto up = [](Count n, Count unit) { return (n + unit - 1) / unit * unit; };
    const std::uint32_t alignment = std::max(value.alignment, index.alignment);
    const Count index_at = up(value.size, index.alignment);
    return {value.size + index.size, up(index_at + index.size, alignment), alignment, index_at,
            index.size};
}

__extension__ using Int128 = __int128;
__extension__ using Float128 = __float128;
static_assert(alignof(std::int64_t) == 8 && alignof(double) == 8 && alignof(long double) == 16);
static_assert(alignof(Int128) == 16 && alignof(Float128) == 16);
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
    {MPI_FLOAT_INT, Category::pair, pair_machine(Machine::f32, Machine::i32)},
    {MPI_DOUBLE_INT, Category::pair, pair_machine(Machine::f64, Machine::i32)},
    {MPI_LONG_INT, Category::pair, pair_machine(Machine::i64, Machine::i32)},
    {MPI_2INT, Category::pair, pair_machine(Machine::i32, Machine::i32)},
    {MPI_SHORT_INT, Category::pair, pair_machine(Machine::i16, Machine::i32)},
    {MPI_LONG_DOUBLE_INT, Category::pair, pair_machine(Machine::f80, Machine::i32)},
    // Fortran
    {MPI_LOGICAL, Category::logical, Machine::u32},
    {MPI_INTEGER, Category::fortran_integer, Machine::i32},
    {MPI_REAL, Category::floating, Machine::f32},
    {MPI_COMPLEX, Category::complex, Machine::c32},
    {MPI_DOUBLE_PRECISION, Category::floating, Machine::f64},
    {MPI_DOUBLE_COMPLEX, Category::complex, Machine::c64},
    {MPI_CHARACTER, Category::other, Machine::i8},
    {MPI_2REAL, Category::pair, pair_machine(Machine::f32, Machine::f32)},
    {MPI_2DOUBLE_PRECISION, Category::pair, pair_machine(Machine::f64, Machine::f64)},
    {MPI_2INTEGER, Category::pair, pair_machine(Machine::i32, Machine::i32)},
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

/// Bytes of one element in external32. Fixed by a table (MPI-5.0 §14.5.2): as here, but for the
/// types whose size C leaves open.
Count external_size_of(MPI_Datatype handle, Count size) {
    if (handle == MPI_LONG || handle == MPI_UNSIGNED_LONG) return 4;
    if (handle == MPI_LONG_INT) return 8;
    if (handle == MPI_WCHAR) return 2;
    return size;
}

void describe(Datatype& type, Category category, Machine machine) {
    const MachineTraits traits = traits_of(machine);
    const bool is_pair = category == Category::pair;
    const Count first_size = traits.size - traits.second_size;
    type.predefined = true;
    type.committed = true;
    type.category = category;
    type.machine = machine;
    type.size = traits.size;
    type.extent = traits.extent;
    type.true_extent = is_pair ? traits.second_at + traits.second_size : traits.size;
    type.alignment = traits.alignment;
    type.basic = &type;
    type.elements = is_pair ? 2 : 1;
    type.element_size = !is_pair || first_size == traits.second_size ? first_size : 0;
    type.external_size = traits.size;
    type.shape = make_run(0, static_cast<std::uint64_t>(first_size));
    if (is_pair) {
        type.shape =
            make_list({type.shape,
                       make_run(traits.second_at, static_cast<std::uint64_t>(traits.second_size))});
    }
    type.dense = is_dense(type);
}

/// A pair that the standard gives a name.
struct NamedPair {
    MPI_Datatype value;
    MPI_Datatype index;
    MPI_Datatype pair;
};
const NamedPair kNamedPairs[] = {
    {MPI_FLOAT, MPI_INT, MPI_FLOAT_INT},
    {MPI_DOUBLE, MPI_INT, MPI_DOUBLE_INT},
    {MPI_LONG, MPI_INT, MPI_LONG_INT},
    {MPI_INT, MPI_INT, MPI_2INT},
    {MPI_SHORT, MPI_INT, MPI_SHORT_INT},
    {MPI_LONG_DOUBLE, MPI_INT, MPI_LONG_DOUBLE_INT},
    {MPI_REAL, MPI_REAL, MPI_2REAL},
    {MPI_DOUBLE_PRECISION, MPI_DOUBLE_PRECISION, MPI_2DOUBLE_PRECISION},
    {MPI_INTEGER, MPI_INTEGER, MPI_2INTEGER},
};

bool is_number(const Datatype& type, bool integer) {
    return type.category == Category::c_integer || type.category == Category::fortran_integer ||
           type.category == Category::multi_language ||
           (!integer && type.category == Category::floating);
}

}  // namespace

void predefine_datatypes() {
    // Never destroyed: programs may call MPI from destructors of their own static objects.
    static auto& types = *new std::array<Datatype, std::size(kRows)>;
    for (std::size_t i = 0; i < types.size(); ++i) {
        describe(types[i], kRows[i].category, kRows[i].machine);
        types[i].external_size = external_size_of(kRows[i].handle, types[i].size);
        const auto id = static_cast<Id>(reinterpret_cast<std::uintptr_t>(kRows[i].handle));
        table<Datatype>().predefine(id, &types[i]);
    }
}

Status type_get_value_index(Datatype& value_type, Datatype& index_type, Datatype*& pair_type) {
    const auto value = handle_of<MPI_Datatype>(value_type);
    const auto index = handle_of<MPI_Datatype>(index_type);
    pair_type = nullptr;
    for (const NamedPair& named : kNamedPairs) {
        if (named.value == value && named.index == index) pair_type = find<Datatype>(named.pair);
    }
    if (pair_type != nullptr) return Status::ok;
    if (!is_number(value_type, false) || !is_number(index_type, true)) return Status::ok;
    const Machine machine = pair_machine(value_type.machine, index_type.machine);
    if (machine == Machine::none) return Status::ok;

    return guarded([&] {
        // As predefined as those with names: made once, and never freed.
        static auto& made = *new std::map<std::pair<Id, Id>, Datatype*>;
        Datatype*& type = made[{value_type.id, index_type.id}];
        if (type == nullptr) {
            auto contents = make_contents(MPI_COMBINER_VALUE_INDEX, {});
            contents->types = {&value_type, &index_type};
            if (Status s = make_type({}, std::move(contents), type); s != Status::ok) return s;
            describe(*type, Category::pair, machine);
            type->external_size = value_type.external_size + index_type.external_size;
        }
        pair_type = type;
        return Status::ok;
    });
}

}  // namespace mpi
