// Datatypes of Fortran's kinds: by precision and range, and by size (MPI-5.0 §19.1.9). The kinds
// are gfortran's.
#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "mpi/datatype/contents.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

/// What SELECTED_REAL_KIND(p, r) chooses from: decimal digits, decimal exponents. gfortran's kind
/// 10 is C's long double.
struct RealKind {
    int digits;
    int range;
    MPI_Datatype real;
    MPI_Datatype complex;
};
const RealKind kReals[] = {
    {6, 37, MPI_REAL4, MPI_COMPLEX8},
    {15, 307, MPI_REAL8, MPI_COMPLEX16},
    {18, 4931, MPI_LONG_DOUBLE, MPI_C_LONG_DOUBLE_COMPLEX},
    {33, 4931, MPI_REAL16, MPI_COMPLEX32},
};

/// What SELECTED_INT_KIND(r) chooses from.
struct IntegerKind {
    int range;
    MPI_Datatype integer;
};
const IntegerKind kIntegers[] = {{2, MPI_INTEGER1},
                                 {4, MPI_INTEGER2},
                                 {9, MPI_INTEGER4},
                                 {18, MPI_INTEGER8},
                                 {38, MPI_INTEGER16}};

/// A new predefined datatype without a name: like `model`, but MPI_Type_get_envelope tells what it
/// was asked for with. It lives as long as the process.
Datatype* make_like(const Datatype& model, int combiner, std::span<const int> integers) {
    Datatype* type = table<Datatype>().create();
    if (type == nullptr) return nullptr;
    static_cast<Description&>(*type) = model;
    type->committed = true;
    type->predefined = true;
    type->category = model.category;
    type->machine = model.machine;
    type->contents = std::make_unique<Contents>();
    type->contents->combiner = combiner;
    for (const int i : integers) type->contents->integers.push(i);
    return type;
}

/// The datatype of these arguments: the same one each time, as the standard asks.
Status give(MPI_Datatype model, int combiner, std::span<const int> integers, Datatype*& type) {
    struct Made {
        int combiner;
        std::vector<int> integers;
        Datatype* type;
    };
    static auto& all = *new std::vector<Made>;  // outlives the static objects of the program
    for (const Made& made : all) {
        if (made.combiner == combiner && std::ranges::equal(made.integers, integers)) {
            type = made.type;
            return Status::ok;
        }
    }
    type = make_like(*find<Datatype>(model), combiner, integers);
    if (type == nullptr) return fail(Status::no_mem, "no memory for a datatype");
    all.push_back({combiner, {integers.begin(), integers.end()}, type});
    return Status::ok;
}

/// The smallest kind with p digits and r exponents; MPI_UNDEFINED asks for nothing.
Status find_real(int p, int r, const RealKind*& found) {
    if (p == MPI_UNDEFINED && r == MPI_UNDEFINED) {
        return fail(Status::arg, "p and r are both MPI_UNDEFINED");
    }
    found = std::ranges::find_if(
        kReals, [&](const RealKind& kind) { return kind.digits >= p && kind.range >= r; });
    if (found != std::end(kReals)) return Status::ok;
    return fail(Status::arg, "no real kind has %d digits and an exponent range of %d", p, r);
}

}  // namespace

Status type_create_f90_real(int p, int r, Datatype*& newtype) {
    const RealKind* kind = nullptr;
    if (Status s = find_real(p, r, kind); s != Status::ok) return s;
    return give(kind->real, MPI_COMBINER_F90_REAL, std::array{p, r}, newtype);
}

Status type_create_f90_complex(int p, int r, Datatype*& newtype) {
    const RealKind* kind = nullptr;
    if (Status s = find_real(p, r, kind); s != Status::ok) return s;
    return give(kind->complex, MPI_COMBINER_F90_COMPLEX, std::array{p, r}, newtype);
}

Status type_create_f90_integer(int r, Datatype*& newtype) {
    const auto* kind = std::ranges::find_if(
        kIntegers, [&](const IntegerKind& candidate) { return candidate.range >= r; });
    if (kind == std::end(kIntegers)) {
        return fail(Status::arg, "no integer kind has a range of %d digits", r);
    }
    return give(kind->integer, MPI_COMBINER_F90_INTEGER, std::array{r}, newtype);
}

Status type_match_size(int typeclass, int size, Datatype*& datatype) {
    std::vector<MPI_Datatype> candidates;
    switch (typeclass) {
        case MPI_TYPECLASS_INTEGER:
            candidates = {MPI_INTEGER1, MPI_INTEGER2, MPI_INTEGER4, MPI_INTEGER8, MPI_INTEGER16};
            break;
        case MPI_TYPECLASS_REAL: candidates = {MPI_REAL4, MPI_REAL8, MPI_REAL16}; break;
        case MPI_TYPECLASS_COMPLEX:
            candidates = {MPI_COMPLEX8, MPI_COMPLEX16, MPI_COMPLEX32};
            break;
        default:
            return fail(Status::arg,
                        "typeclass is %d, must be MPI_TYPECLASS_INTEGER, MPI_TYPECLASS_REAL or "
                        "MPI_TYPECLASS_COMPLEX",
                        typeclass);
    }
    for (const MPI_Datatype handle : candidates) {
        Datatype* type = find<Datatype>(handle);
        if (type->size == size) {
            datatype = type;
            return Status::ok;
        }
    }
    return fail(Status::arg, "no Fortran type of that class has %d bytes", size);
}

}  // namespace mpi
