FORTRAN void mpi_error_string_(const Fint* errorcode, char* string, Fint* resultlen, Fint* ierror, std::size_t string_length) {
    TextOut string_c(string, string_length);
    const int outcome = MPI_Error_string(*errorcode, string_c, resultlen);
    finish(ierror, outcome);
}
ALIAS void mpi_error_string_f08_(const Fint* errorcode, char* string, Fint* resultlen, Fint* ierror, std::size_t string_length) __attribute__((alias("mpi_error_string_")));
FORTRAN void pmpi_error_string_(const Fint* errorcode, char* string, Fint* resultlen, Fint* ierror, std::size_t string_length) {
    TextOut string_c(string, string_length);
    const int outcome = PMPI_Error_string(*errorcode, string_c, resultlen);
    finish(ierror, outcome);
}
ALIAS void pmpi_error_string_f08_(const Fint* errorcode, char* string, Fint* resultlen, Fint* ierror, std::size_t string_length) __attribute__((alias("pmpi_error_string_")));
