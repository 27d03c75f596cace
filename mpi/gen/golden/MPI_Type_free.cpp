// Frees a datatype.
extern "C" [[gnu::visibility("default")]] int PMPI_Type_free(MPI_Datatype* datatype) {
    const Call call("MPI_Type_free");
    const Status outcome = [&]() -> Status {
        Datatype* datatype_object = nullptr;
        if (Status s = check::freeable("datatype", datatype, datatype_object); s != Status::ok) [[unlikely]] return s;
        if (Status s = mpi::type_free(*datatype_object); s != Status::ok) [[unlikely]] return s;
        *datatype = MPI_DATATYPE_NULL;
        return Status::ok;
    }();
    if (outcome != Status::ok) [[unlikely]] {
        return fail_call(outcome, nullptr,
                         "MPI_Type_free(datatype=%p)", datatype);
    }
    return MPI_SUCCESS;
}
extern "C" [[gnu::visibility("default")]] int MPI_Type_free(MPI_Datatype* datatype) __attribute__((weak, alias("PMPI_Type_free")));
