#include "mpi/fortran/glue.hpp"

#include <algorithm>
#include <cstring>

namespace fortran {

extern "C" {
Addresses mpi_fathom_addresses_{};
}

namespace {

/// Tells C where Fortran's statuses to be ignored are.
[[gnu::constructor]] void publish_addresses() {
    MPI_F_STATUS_IGNORE = reinterpret_cast<MPI_Fint*>(&mpi_fathom_addresses_.status_ignore);
    MPI_F_STATUSES_IGNORE = reinterpret_cast<MPI_Fint*>(&mpi_fathom_addresses_.statuses_ignore);
    MPI_F08_STATUS_IGNORE = reinterpret_cast<MPI_F08_status*>(&mpi_fathom_addresses_.status_ignore);
    MPI_F08_STATUSES_IGNORE =
        reinterpret_cast<MPI_F08_status*>(&mpi_fathom_addresses_.statuses_ignore);
}

}  // namespace

void* special_address(std::size_t offset) {
    switch (offset) {
        case offsetof(Addresses, in_place): return MPI_IN_PLACE;
        case offsetof(Addresses, buffer_automatic): return MPI_BUFFER_AUTOMATIC;
        case offsetof(Addresses, unweighted): return MPI_UNWEIGHTED;
        case offsetof(Addresses, weights_empty): return MPI_WEIGHTS_EMPTY;
        default: return nullptr;  // MPI_BOTTOM, and all that is to be ignored
    }
}

void logicals(Fint* values, Fint count) {
    for (Fint i = 0; i < count; ++i) values[i] = logical(values[i]);
}

void from_one(Fint* positions, Fint count, int outcome) {
    if (outcome != MPI_SUCCESS && outcome != MPI_ERR_IN_STATUS) return;
    for (Fint i = 0; i < count; ++i) {
        if (positions[i] >= 0) ++positions[i];
    }
}

Fint peers(const Fint* comm) {
    // A communicator that is none is the called function's to complain of.
    const auto it = handle<MPI_Comm>(comm);
    int inter = 0;
    int count = 0;
    if (it == MPI_COMM_NULL || PMPI_Comm_test_inter(it, &inter) != MPI_SUCCESS) return 0;
    if (inter) {
        PMPI_Comm_remote_size(it, &count);
    } else {
        PMPI_Comm_size(it, &count);
    }
    return count;
}

Neighbours neighbours(const Fint* comm) {
    const auto it = handle<MPI_Comm>(comm);
    Neighbours its{};
    int topology = MPI_UNDEFINED;
    if (it == MPI_COMM_NULL || PMPI_Topo_test(it, &topology) != MPI_SUCCESS) return its;
    if (topology == MPI_CART) {
        PMPI_Cartdim_get(it, &its.in);
        its.in *= 2;
        its.out = its.in;
    } else if (topology == MPI_GRAPH) {
        int rank = 0;
        PMPI_Comm_rank(it, &rank);
        PMPI_Graph_neighbors_count(it, rank, &its.in);
        its.out = its.in;
    } else if (topology == MPI_DIST_GRAPH) {
        int weighted = 0;
        PMPI_Dist_graph_neighbors_count(it, &its.in, &its.out, &weighted);
    }
    return its;
}

Text::Text(const char* text, std::size_t length) : text_(text, length) {
    text_.resize(text_.find_last_not_of(' ') + 1);
}

Text Text::without_blanks(const char* text, std::size_t length) {
    while (length > 0 && *text == ' ') ++text, --length;
    return {text, length};
}

// What no string begins with says that the call wrote nothing.
constexpr char kUntouched[] = "\xff";

TextOut::TextOut(char* where, std::size_t length) : where_(where), length_(length) {
    std::copy(std::begin(kUntouched), std::end(kUntouched), text_.begin());
}

TextOut::~TextOut() {
    if (std::strcmp(text_.data(), kUntouched) == 0) return;
    const std::string_view text(text_.data());
    const std::size_t kept = std::min(text.size(), length_);
    std::copy_n(text.begin(), kept, where_);
    std::fill(where_ + kept, where_ + length_, ' ');
}

}  // namespace fortran

using namespace fortran;

// Statuses in their two forms.

FORTRAN void mpi_status_f2f08_(const Fint* f_status, MPI_Status* f08_status, Fint* ierror) {
    std::memcpy(f08_status, f_status, sizeof *f08_status);
    finish(ierror, MPI_SUCCESS);
}

FORTRAN void mpi_status_f082f_(const MPI_Status* f08_status, Fint* f_status, Fint* ierror) {
    std::memcpy(f_status, f08_status, sizeof *f08_status);
    finish(ierror, MPI_SUCCESS);
}

// Does nothing: a compiler cannot know that, and keeps no copy of the variable in a register.
FORTRAN void mpi_f_sync_reg_(void*) {}

// The operators == and /= of the handles' types, and MPI_SIZEOF of the types with 1, 2, … bytes:
// one procedure of each for each type, as the interfaces in modules.f90 want them.

#define COMPARISONS(type)                                                \
    FORTRAN Fint mpi_fathom_eq_##type##_(const Fint* a, const Fint* b) { \
        return logical(*a == *b);                                        \
    }                                                                    \
    FORTRAN Fint mpi_fathom_ne_##type##_(const Fint* a, const Fint* b) { \
        return logical(*a != *b);                                        \
    }

COMPARISONS(comm)
COMPARISONS(datatype)
COMPARISONS(errhandler)
COMPARISONS(file)
COMPARISONS(group)
COMPARISONS(info)
COMPARISONS(message)
COMPARISONS(op)
COMPARISONS(request)
COMPARISONS(session)
COMPARISONS(win)

#define SIZE_OF(type, bytes)                                                   \
    FORTRAN void mpi_sizeof_##type##_(const void*, Fint* size, Fint* ierror) { \
        *size = bytes;                                                         \
        finish(ierror, MPI_SUCCESS);                                           \
    }

SIZE_OF(character, 1)
SIZE_OF(logical1, 1)
SIZE_OF(logical2, 2)
SIZE_OF(logical4, 4)
SIZE_OF(logical8, 8)
SIZE_OF(integer1, 1)
SIZE_OF(integer2, 2)
SIZE_OF(integer4, 4)
SIZE_OF(integer8, 8)
SIZE_OF(real4, 4)
SIZE_OF(real8, 8)
SIZE_OF(real16, 16)
SIZE_OF(complex8, 8)
SIZE_OF(complex16, 16)
SIZE_OF(complex32, 32)
