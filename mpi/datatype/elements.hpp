// Basic elements and bytes.
#pragma once

#include "mpi/core/datatype.hpp"

namespace mpi {

/// Packed bytes of the first `elements` basic elements of consecutive elements of `datatype`: what
/// makes MPI_Get_elements give `elements`. 0 for a type without data.
Count bytes_of(const Datatype& datatype, Count elements);

}  // namespace mpi
