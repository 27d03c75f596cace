// What the library says of its ABI and of Fortran's (MPI-5.0 §20), and the fields of a status as
// functions (MPI-5.0 §3.2.5). All at any time.
#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "mpi/core/info.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

/// LOGICALs of gfortran have 1, 2, 4, 8 or 16 bytes, of which .TRUE. is 1 and .FALSE. is 0.
constexpr int kLargestLogical = 16;

Status check_logical(int size) {
    if (size >= 1 && size <= kLargestLogical && (size & (size - 1)) == 0) return Status::ok;
    return fail(Status::arg, "logical_size is %d, must be 1, 2, 4, 8 or 16", size);
}

void store_logical(void* to, int size, bool value) {
    std::array<std::byte, kLargestLogical> bytes{std::byte{value}};  // least significant first
    std::memcpy(to, bytes.data(), static_cast<std::size_t>(size));
}
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "store_logical writes little-endian");

std::string truth(bool value) {
    return value ? "true" : "false";
}

Status give(const std::vector<Info::Entry>& entries, Info*& info) {
    info = make_info(entries);
    return info != nullptr ? Status::ok : fail(Status::no_mem, "no memory for an info object");
}

/// What gfortran has; the predefined datatypes are of the same sizes.
std::vector<Info::Entry> fortran_facts() {
    std::vector<Info::Entry> facts = {{"mpi_logical_size", "4"},
                                      {"mpi_integer_size", "4"},
                                      {"mpi_real_size", "4"},
                                      {"mpi_double_precision_size", "8"}};
    for (const int bytes : {1, 2, 4, 8, 16}) {
        const std::string n = std::to_string(bytes);
        facts.push_back({"mpi_logical" + n + "_supported", truth(true)});
        facts.push_back({"mpi_integer" + n + "_supported", truth(true)});
    }
    for (const int bytes : {2, 4, 8, 16}) {
        const bool has = bytes != 2;  // no real has 2 bytes
        facts.push_back({"mpi_real" + std::to_string(bytes) + "_supported", truth(has)});
        facts.push_back({"mpi_complex" + std::to_string(2 * bytes) + "_supported", truth(has)});
    }
    facts.push_back({"mpi_double_complex_supported", truth(true)});
    return facts;
}

}  // namespace

Status abi_get_info(Info*& info) {
    return give({{"mpi_aint_size", std::to_string(sizeof(MPI_Aint))},
                 {"mpi_count_size", std::to_string(sizeof(MPI_Count))},
                 {"mpi_offset_size", std::to_string(sizeof(MPI_Offset))}},
                info);
}

Status abi_get_fortran_info(Info*& info) {
    return give(fortran_facts(), info);
}

Status abi_set_fortran_info(Info&) {
    return fail(Status::abi,
                "the properties of Fortran are set already: see MPI_Abi_get_fortran_info");
}

Status abi_get_version(int& abi_major, int& abi_minor) {
    abi_major = MPI_ABI_VERSION;
    abi_minor = MPI_ABI_SUBVERSION;
    return Status::ok;
}

Status abi_get_fortran_booleans(int logical_size, void* logical_true, void* logical_false,
                                int& is_set) {
    if (Status s = check_logical(logical_size); s != Status::ok) return s;
    store_logical(logical_true, logical_size, true);
    store_logical(logical_false, logical_size, false);
    is_set = 1;
    return Status::ok;
}

Status abi_set_fortran_booleans(int logical_size, void*, void*) {
    if (Status s = check_logical(logical_size); s != Status::ok) return s;
    return fail(Status::abi,
                "the values of Fortran's LOGICAL are set already: see "
                "MPI_Abi_get_fortran_booleans");
}

Status status_get_source(const MPI_Status& status, int& source) {
    source = status.MPI_SOURCE;
    return Status::ok;
}

Status status_get_tag(const MPI_Status& status, int& tag) {
    tag = status.MPI_TAG;
    return Status::ok;
}

Status status_get_error(const MPI_Status& status, int& error) {
    error = status.MPI_ERROR;
    return Status::ok;
}

Status status_set_source(MPI_Status& status, int source) {
    status.MPI_SOURCE = source;
    return Status::ok;
}

Status status_set_tag(MPI_Status& status, int tag) {
    status.MPI_TAG = tag;
    return Status::ok;
}

Status status_set_error(MPI_Status& status, int error) {
    status.MPI_ERROR = error;
    return Status::ok;
}

}  // namespace mpi
