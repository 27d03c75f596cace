// Tells whether a message has arrived, and describes it.
extern "C" [[gnu::visibility("default")]] int PMPI_Iprobe(int source, int tag, MPI_Comm comm, int* flag, MPI_Status* status) {
    const Call call("MPI_Iprobe");
    Comm* comm_object = nullptr;
    const Status outcome = [&]() -> Status {
        if (Status s = check::handle("comm", comm, comm_object); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::source("source", source, *comm_object); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::tag_or_any("tag", tag); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::not_null("flag", flag); s != Status::ok) [[unlikely]] return s;
        if (source == MPI_PROC_NULL) [[unlikely]] {
            set_proc_null(status);
            *flag = 1;
            return Status::ok;
        }
        return mpi::iprobe(source, tag, *comm_object, *flag, status);
    }();
    if (outcome != Status::ok) [[unlikely]] {
        return fail_call(outcome, comm_object,
                         "MPI_Iprobe(source=%r, tag=%t, comm=%C, flag=%p, status=%p)", source, tag, comm, flag, status);
    }
    return MPI_SUCCESS;
}
extern "C" [[gnu::visibility("default")]] int MPI_Iprobe(int source, int tag, MPI_Comm comm, int* flag, MPI_Status* status) __attribute__((weak, alias("PMPI_Iprobe")));
