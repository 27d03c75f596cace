// Makes a communicator for each colour.
extern "C" [[gnu::visibility("default")]] int PMPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm* newcomm) {
    const Call call("MPI_Comm_split");
    Comm* comm_object = nullptr;
    const Status outcome = [&]() -> Status {
        Comm* newcomm_object = nullptr;
        if (Status s = check::handle("comm", comm, comm_object); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::not_null("newcomm", newcomm); s != Status::ok) [[unlikely]] return s;
        if (Status s = mpi::comm_split(*comm_object, color, key, newcomm_object); s != Status::ok) [[unlikely]] return s;
        *newcomm = encode(newcomm_object, MPI_COMM_NULL);
        return Status::ok;
    }();
    if (outcome != Status::ok) [[unlikely]] {
        return fail_call(outcome, comm_object,
                         "MPI_Comm_split(comm=%C, color=%i, key=%i, newcomm=%p)", comm, color, key, newcomm);
    }
    return MPI_SUCCESS;
}
extern "C" [[gnu::visibility("default")]] int MPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm* newcomm) __attribute__((weak, alias("PMPI_Comm_split")));
