// Every collective in its three forms: blocking, nonblocking, persistent.
#pragma once

#include "test/conformance/coll.hpp"

namespace nbc {

/// The arguments of any collective.
struct Args {
    const void* send;
    void* recv;
    int n;
    const int* counts;  // per rank: the lengths of its blocks, in the v variants
    const int* pairs;   // per rank: the lengths of what this rank exchanges with it
    const int* displs;
    const int* bytes;  // displs in bytes
    const MPI_Datatype* types;
    MPI_Datatype type;
    MPI_Op op;
    int root;
    int me;
    MPI_Comm comm;
};

struct Function {
    const char* name;
    int (*blocking)(const Args&);
    int (*start)(const Args&, MPI_Request*);
    int (*init)(const Args&, MPI_Request*);
    enum class InPlace { never, send, send_at_root, recv_at_root } in_place;
    bool reduces;
    bool within_a_group = false;  // not on intercommunicators
};

// One set of arguments gives the three calls.
#define THREE(call, arguments)                                                          \
    [](const Args& a) { return MPI_##call(EXPAND arguments); },                         \
        [](const Args& a, MPI_Request* r) { return MPI_I##call(EXPAND arguments, r); }, \
        [](const Args& a, MPI_Request* r) {                                             \
            return MPI_##call##_init(EXPAND arguments, MPI_INFO_NULL, r);               \
        }
#define EXPAND(...) __VA_ARGS__
// Names differ in their case alone: MPI_Bcast, MPI_Ibcast.
#define MPI_IBarrier MPI_Ibarrier
#define MPI_IBcast MPI_Ibcast
#define MPI_IGather MPI_Igather
#define MPI_IGatherv MPI_Igatherv
#define MPI_IScatter MPI_Iscatter
#define MPI_IScatterv MPI_Iscatterv
#define MPI_IAllgather MPI_Iallgather
#define MPI_IAllgatherv MPI_Iallgatherv
#define MPI_IAlltoall MPI_Ialltoall
#define MPI_IAlltoallv MPI_Ialltoallv
#define MPI_IAlltoallw MPI_Ialltoallw
#define MPI_IReduce MPI_Ireduce
#define MPI_IAllreduce MPI_Iallreduce
#define MPI_IReduce_scatter MPI_Ireduce_scatter
#define MPI_IReduce_scatter_block MPI_Ireduce_scatter_block
#define MPI_IScan MPI_Iscan
#define MPI_IExscan MPI_Iexscan

using InPlace = Function::InPlace;

inline const std::vector<Function>& functions() {
    static const std::vector<Function> all{
        {"Barrier", THREE(Barrier, (a.comm)), InPlace::never, false},
        {"Bcast", THREE(Bcast, (a.recv, a.n, a.type, a.root, a.comm)), InPlace::never, false},
        {"Gather", THREE(Gather, (a.send, a.n, a.type, a.recv, a.n, a.type, a.root, a.comm)),
         InPlace::send_at_root, false},
        {"Gatherv",
         THREE(Gatherv, (a.send, a.counts[a.me], a.type, a.recv, a.counts, a.displs, a.type, a.root,
                         a.comm)),
         InPlace::send_at_root, false},
        {"Scatter", THREE(Scatter, (a.send, a.n, a.type, a.recv, a.n, a.type, a.root, a.comm)),
         InPlace::recv_at_root, false},
        {"Scatterv",
         THREE(Scatterv, (a.send, a.counts, a.displs, a.type, a.recv, a.counts[a.me], a.type,
                          a.root, a.comm)),
         InPlace::recv_at_root, false},
        {"Allgather", THREE(Allgather, (a.send, a.n, a.type, a.recv, a.n, a.type, a.comm)),
         InPlace::send, false},
        {"Allgatherv",
         THREE(Allgatherv,
               (a.send, a.counts[a.me], a.type, a.recv, a.counts, a.displs, a.type, a.comm)),
         InPlace::send, false},
        {"Alltoall", THREE(Alltoall, (a.send, a.n, a.type, a.recv, a.n, a.type, a.comm)),
         InPlace::send, false},
        {"Alltoallv",
         THREE(Alltoallv,
               (a.send, a.pairs, a.displs, a.type, a.recv, a.pairs, a.displs, a.type, a.comm)),
         InPlace::send, false},
        {"Alltoallw",
         THREE(Alltoallw,
               (a.send, a.pairs, a.bytes, a.types, a.recv, a.pairs, a.bytes, a.types, a.comm)),
         InPlace::send, false},
        {"Reduce", THREE(Reduce, (a.send, a.recv, a.n, a.type, a.op, a.root, a.comm)),
         InPlace::send_at_root, true},
        {"Allreduce", THREE(Allreduce, (a.send, a.recv, a.n, a.type, a.op, a.comm)), InPlace::send,
         true},
        {"Reduce_scatter", THREE(Reduce_scatter, (a.send, a.recv, a.counts, a.type, a.op, a.comm)),
         InPlace::send, true},
        {"Reduce_scatter_block",
         THREE(Reduce_scatter_block, (a.send, a.recv, a.n, a.type, a.op, a.comm)), InPlace::send,
         true},
        {"Scan", THREE(Scan, (a.send, a.recv, a.n, a.type, a.op, a.comm)), InPlace::send, true,
         true},
        {"Exscan", THREE(Exscan, (a.send, a.recv, a.n, a.type, a.op, a.comm)), InPlace::send, true,
         true},
    };
    return all;
}

#undef THREE
#undef EXPAND

}  // namespace nbc
