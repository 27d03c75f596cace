// What MPI_Pack and MPI_Pack_external have in common.
#pragma once

#include "mpi/core/datatype.hpp"
#include "mpi/core/error.hpp"

namespace mpi {

/// The bytes that `count` elements of `element_bytes` each take.
Status packed_bytes(Count count, Count element_bytes, Count& bytes);

/// The same, if they fit [position, size) of the packed buffer.
Status claim(Count count, Count element_bytes, Count position, Count size, Count& bytes);

}  // namespace mpi
