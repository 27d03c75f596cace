// What predefined datatypes are to the reductions and to the machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mpi {

/// The groups of basic datatypes that MPI-5.0 §6.9.2 and §6.9.4 define the reductions on.
enum class Category : std::uint8_t {
    derived,  ///< made by a constructor
    c_integer,
    fortran_integer,
    floating,
    logical,
    complex,
    byte,
    multi_language,  ///< MPI_AINT, MPI_OFFSET, MPI_COUNT
    pair,            ///< a value and its location, for MPI_MINLOC and MPI_MAXLOC
    other,           ///< characters and MPI_PACKED: no reduction is defined
};

/// What a predefined datatype is to the machine: the C type that its bytes are.
enum class Machine : std::uint8_t {
    none,  ///< derived
    i8,
    i16,
    i32,
    i64,
    i128,
    u8,
    u16,
    u32,
    u64,
    f32,
    f64,
    f80,  ///< long double, in 16 bytes
    f128,
    c32,  ///< complex of two f32, and so on
    c64,
    c80,
    c128,
    first_pair,  ///< a value and its location, see pair_machine()
};

/// Bytes of a machine type that is no pair; 0 for `none`.
constexpr int size_of(Machine machine) {
    switch (machine) {
        case Machine::i8:
        case Machine::u8: return 1;
        case Machine::i16:
        case Machine::u16: return 2;
        case Machine::i32:
        case Machine::u32:
        case Machine::f32: return 4;
        case Machine::i64:
        case Machine::u64:
        case Machine::f64:
        case Machine::c32: return 8;
        case Machine::i128:
        case Machine::f80:
        case Machine::f128:
        case Machine::c64: return 16;
        case Machine::c80:
        case Machine::c128: return 32;
        default: return 0;
    }
}

/// What the two members of a pair can be. An index that is no integer is of the value's own type,
/// as Fortran's pairs have it.
inline constexpr std::array kPairValues{Machine::i8,  Machine::i16, Machine::i32, Machine::i64,
                                        Machine::u8,  Machine::u16, Machine::u32, Machine::u64,
                                        Machine::f32, Machine::f64, Machine::f80, Machine::f128};
inline constexpr std::array kPairIndices{Machine::i32, Machine::u32, Machine::i64,
                                         Machine::u64, Machine::f32, Machine::f64};

/// The number of machine types.
inline constexpr std::size_t kMachines =
    static_cast<std::size_t>(Machine::first_pair) + kPairValues.size() * kPairIndices.size();

/// The struct of `value` and `index` as a C compiler lays it out; `none` when there is no such
/// pair.
constexpr Machine pair_machine(Machine value, Machine index) {
    const bool integer = index <= Machine::u64;
    if (!integer && index != value) return Machine::none;
    for (std::size_t v = 0; v < kPairValues.size(); ++v) {
        for (std::size_t i = 0; i < kPairIndices.size(); ++i) {
            if (kPairValues[v] != value || kPairIndices[i] != index) continue;
            const std::size_t number = v * kPairIndices.size() + i;
            return static_cast<Machine>(static_cast<std::size_t>(Machine::first_pair) + number);
        }
    }
    return Machine::none;
}

struct PairMembers {
    Machine value = Machine::none;
    Machine index = Machine::none;
};
/// The reverse; none and none when `machine` is no pair.
constexpr PairMembers members_of(Machine machine) {
    if (machine < Machine::first_pair) return {};
    const std::size_t number =
        static_cast<std::size_t>(machine) - static_cast<std::size_t>(Machine::first_pair);
    return {kPairValues[number / kPairIndices.size()], kPairIndices[number % kPairIndices.size()]};
}

}  // namespace mpi
