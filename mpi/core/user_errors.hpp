// Error classes and codes that programs add (MPI-5.0 §9.5). They lie above MPI_ERR_LASTCODE; the
// lowest free number comes first. Callers hold the lock.
#pragma once

#include "mpi/core/error.hpp"

namespace mpi {

/// What is known of an error code, predefined or added. `text` is null and `error_class` -1 when
/// there is no such code.
struct ErrorFacts {
    int error_class = -1;
    const char* text = nullptr;
    bool added = false;
};
ErrorFacts facts_of_error(int code);

/// The largest error code in use, the value of the attribute MPI_LASTUSEDCODE.
int last_used_error_code();

}  // namespace mpi
