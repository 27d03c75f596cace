// Gives the bytes of data in one element.
extern "C" [[gnu::visibility("default")]] int PMPI_Type_size(MPI_Datatype datatype, int* size) {
    const Call call("MPI_Type_size");
    const Status outcome = [&]() -> Status {
        Datatype* datatype_object = nullptr;
        Count size_object = 0;
        if (Status s = check::handle_or_absent("datatype", datatype, datatype_object); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::not_null("size", size); s != Status::ok) [[unlikely]] return s;
        if (Status s = mpi::type_size(datatype_object, size_object); s != Status::ok) [[unlikely]] return s;
        store(size, size_object);
        return Status::ok;
    }();
    if (outcome != Status::ok) [[unlikely]] {
        return fail_call(outcome, nullptr,
                         "MPI_Type_size(datatype=%D, size=%p)", datatype, size);
    }
    return MPI_SUCCESS;
}
extern "C" [[gnu::visibility("default")]] int MPI_Type_size(MPI_Datatype datatype, int* size) __attribute__((weak, alias("PMPI_Type_size")));
