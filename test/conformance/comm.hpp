// What the tests of communicators ask of one.
#pragma once

#include "test/support/mpi_test.hpp"

namespace comms {

inline int size_of(MPI_Comm comm) {
    int size = -1;
    EXPECT_MPI_OK(MPI_Comm_size(comm, &size));
    return size;
}

inline int rank_in(MPI_Comm comm) {
    int rank = -1;
    EXPECT_MPI_OK(MPI_Comm_rank(comm, &rank));
    return rank;
}

inline int compare(MPI_Comm a, MPI_Comm b) {
    int result = -1;
    EXPECT_MPI_OK(MPI_Comm_compare(a, b, &result));
    return result;
}

}  // namespace comms
