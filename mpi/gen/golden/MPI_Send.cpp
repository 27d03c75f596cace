// Sends a message in standard mode and waits until the buffer may be reused.
extern "C" [[gnu::visibility("default")]] int PMPI_Send(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
    const Call call("MPI_Send");
    Comm* comm_object = nullptr;
    const Status outcome = [&]() -> Status {
        Datatype* datatype_object = nullptr;
        if (Status s = check::handle("comm", comm, comm_object); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::not_negative(Status::count, "count", count); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::committed("datatype", datatype, datatype_object); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::dest("dest", dest, *comm_object); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::tag("tag", tag); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::buffer("buf", buf, count, *datatype_object); s != Status::ok) [[unlikely]] return s;
        if (dest == MPI_PROC_NULL) [[unlikely]] {
            return Status::ok;
        }
        return mpi::send(buf, count, *datatype_object, dest, tag, *comm_object);
    }();
    if (outcome != Status::ok) [[unlikely]] {
        return fail_call(outcome, comm_object,
                         "MPI_Send(buf=%p, count=%i, datatype=%D, dest=%r, tag=%t, comm=%C)", buf, count, datatype, dest, tag, comm);
    }
    return MPI_SUCCESS;
}
extern "C" [[gnu::visibility("default")]] int MPI_Send(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) __attribute__((weak, alias("PMPI_Send")));
