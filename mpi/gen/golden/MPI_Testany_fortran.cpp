FORTRAN void mpi_testany_(const Fint* count, Fint* array_of_requests, Fint* indx, Fint* flag, MPI_Status* status, Fint* ierror) {
    HandlesOut<MPI_Request> array_of_requests_c(array_of_requests, *count);
    const int outcome = MPI_Testany(*count, array_of_requests_c, indx, flag, actual(status));
    from_one(indx, 1, outcome);
    *flag = logical(*flag);
    finish(ierror, outcome);
}
ALIAS void mpi_testany_f08_(const Fint* count, Fint* array_of_requests, Fint* indx, Fint* flag, MPI_Status* status, Fint* ierror) __attribute__((alias("mpi_testany_")));
FORTRAN void pmpi_testany_(const Fint* count, Fint* array_of_requests, Fint* indx, Fint* flag, MPI_Status* status, Fint* ierror) {
    HandlesOut<MPI_Request> array_of_requests_c(array_of_requests, *count);
    const int outcome = PMPI_Testany(*count, array_of_requests_c, indx, flag, actual(status));
    from_one(indx, 1, outcome);
    *flag = logical(*flag);
    finish(ierror, outcome);
}
ALIAS void pmpi_testany_f08_(const Fint* count, Fint* array_of_requests, Fint* indx, Fint* flag, MPI_Status* status, Fint* ierror) __attribute__((alias("pmpi_testany_")));
