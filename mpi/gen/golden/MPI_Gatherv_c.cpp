// Collects data of varying lengths at the root.
extern "C" [[gnu::visibility("default")]] int PMPI_Gatherv_c(const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf, const MPI_Count recvcounts[], const MPI_Aint displs[], MPI_Datatype recvtype, int root, MPI_Comm comm) {
    const Call call("MPI_Gatherv_c");
    Comm* comm_object = nullptr;
    const Status outcome = [&]() -> Status {
        Datatype* sendtype_object = nullptr;
        Datatype* recvtype_object = nullptr;
        if (Status s = check::handle("comm", comm, comm_object); s != Status::ok) [[unlikely]] return s;
        if (Status s = check::root("root", root, *comm_object); s != Status::ok) [[unlikely]] return s;
        if (root == MPI_PROC_NULL) [[unlikely]] return Status::ok;
        const bool at_root = check::is_root(root, *comm_object);
        if (!(at_root && (comm_object->is_inter() || sendbuf == MPI_IN_PLACE))) {
            if (Status s = check::not_negative(Status::count, "sendcount", sendcount); s != Status::ok) [[unlikely]] return s;
            if (Status s = check::committed("sendtype", sendtype, sendtype_object); s != Status::ok) [[unlikely]] return s;
        }
        if (at_root) {
            if (Status s = check::not_negative(Status::count, "recvcounts", recvcounts, comm_object->peer_size); s != Status::ok) [[unlikely]] return s;
            if (Status s = check::array("displs", displs, comm_object->peer_size); s != Status::ok) [[unlikely]] return s;
            if (Status s = check::committed("recvtype", recvtype, recvtype_object); s != Status::ok) [[unlikely]] return s;
        }
        if (!(at_root && (comm_object->is_inter() || sendbuf == MPI_IN_PLACE))) {
            if (Status s = check::buffer("sendbuf", sendbuf, sendcount, *sendtype_object); s != Status::ok) [[unlikely]] return s;
        }
        if (at_root) {
            if (Status s = check::buffer("recvbuf", recvbuf, recvcounts, comm_object->peer_size, *recvtype_object); s != Status::ok) [[unlikely]] return s;
        }
        return mpi::gatherv(sendbuf, sendtype_object ? sendcount : 0, *(sendtype_object ? sendtype_object : recvtype_object), recvbuf, recvtype_object ? IntArray(recvcounts) : IntArray(), recvtype_object ? IntArray(displs) : IntArray(), *(recvtype_object ? recvtype_object : sendtype_object), root, *comm_object);
    }();
    if (outcome != Status::ok) [[unlikely]] {
        return fail_call(outcome, comm_object,
                         "MPI_Gatherv_c(sendbuf=%p, sendcount=%l, sendtype=%D, recvbuf=%p, recvcounts=%p, displs=%p, recvtype=%D, root=%r, comm=%C)", sendbuf, sendcount, sendtype, recvbuf, recvcounts, displs, recvtype, root, comm);
    }
    return MPI_SUCCESS;
}
extern "C" [[gnu::visibility("default")]] int MPI_Gatherv_c(const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf, const MPI_Count recvcounts[], const MPI_Aint displs[], MPI_Datatype recvtype, int root, MPI_Comm comm) __attribute__((weak, alias("PMPI_Gatherv_c")));
