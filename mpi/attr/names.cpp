// Names of datatypes (MPI-5.0 §7.8).
#include <cstdio>
#include <cstring>
#include <new>

#include "mpi/core/datatype.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/gen/names.hpp"

namespace mpi {

namespace {

/// The predefined types have their names in MPI; two names of one type are the first.
const char* predefined_name(Id id) {
    for (const names::Name& entry : names::datatype) {
        if (entry.value == id) return entry.name;
    }
    return "";
}

}  // namespace

Status type_set_name(Datatype& datatype, const char* type_name) {
    try {
        datatype.name.emplace(type_name, strnlen(type_name, MPI_MAX_OBJECT_NAME - 1));
    } catch (const std::bad_alloc&) {
        return fail(Status::no_mem, "no memory for the name");
    }
    return Status::ok;
}

Status type_get_name(const Datatype* datatype, char* type_name, int& resultlen) {
    const char* name = datatype == nullptr    ? "MPI_DATATYPE_NULL"
                       : datatype->name       ? datatype->name->c_str()
                       : datatype->predefined ? predefined_name(datatype->id)
                                              : "";
    resultlen = std::snprintf(type_name, MPI_MAX_OBJECT_NAME, "%s", name);
    return Status::ok;
}

}  // namespace mpi
