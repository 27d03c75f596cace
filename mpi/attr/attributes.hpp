// Attributes on communicators and datatypes, for the bodies that make and free these.
#pragma once

#include "mpi/core/attribute.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/datatype.hpp"

namespace mpi {

/// The live key of this number, for attributes of `carrier`; MPI_ERR_KEYVAL otherwise.
Status find_keyval(Carrier carrier, int id, Keyval*& key);

/// Calls the copy functions of `from` for the new object `to`; when one fails, `to` has no
/// attributes.
inline Status copy_attributes(const Comm& from, Comm& to) {
    return from.attributes.copy_to(from.id, to.attributes, to.id);
}
inline Status copy_attributes(const Datatype& from, Datatype& to) {
    return from.attributes.copy_to(from.id, to.attributes, to.id);
}

/// Calls the delete functions, while the handle is still valid; when one fails, the object is not
/// to be freed.
inline Status delete_attributes(Comm& comm) {
    return comm.attributes.erase_all(comm.id);
}
inline Status delete_attributes(Datatype& type) {
    return type.attributes.erase_all(type.id);
}

/// The same for all predefined datatypes, at the end of MPI.
Status delete_predefined_type_attributes();

}  // namespace mpi
