// A program that loses a rank, for failure_test.py. Usage: failure_program WHAT [fatal]
// Rank 1 dies by SIGKILL when the others are in WHAT; each of them says how that ended.
#include <mpi.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr int kVictim = 1;
constexpr int kLong = 4 << 20;  // bytes: a rendezvous on every device
int rank = 0, size = 0;
std::vector<char> memory(kLong);
MPI_Comm world = MPI_COMM_WORLD;

const char* name_of(int error) {
    int error_class = error;
    if (error != MPI_SUCCESS) MPI_Error_class(error, &error_class);
    switch (error_class) {
        case MPI_SUCCESS: return "success";
        case MPIX_ERR_PROC_FAILED: return "lost";
        case MPI_ERR_IN_STATUS: return "in status";
        default: return "another error";
    }
}

int receive(int source, int bytes) {
    return MPI_Recv(memory.data(), bytes, MPI_CHAR, source, 1, world, MPI_STATUS_IGNORE);
}
int send(int to, int bytes) {
    return MPI_Send(memory.data(), bytes, MPI_CHAR, to, 1, world);
}

/// All wait for the victim's death.
void die_in_a_while() {
    usleep(200'000);
    std::raise(SIGKILL);
}

int wait_all() {
    MPI_Request requests[3];
    MPI_Status statuses[3];
    std::vector<int> words(3);
    const int next = (rank + 1) % size == kVictim ? (rank + 2) % size : (rank + 1) % size;
    const int last =
        (rank + size - 1) % size == kVictim ? (rank + size - 2) % size : (rank + size - 1) % size;
    MPI_Irecv(&words[0], 1, MPI_INT, kVictim, 2, world, &requests[0]);
    MPI_Irecv(&words[1], 1, MPI_INT, last, 2, world, &requests[1]);
    MPI_Isend(&words[2], 1, MPI_INT, next, 2, world, &requests[2]);
    const int error = MPI_Waitall(3, requests, statuses);
    if (std::string(name_of(error)) != "in status") return MPI_ERR_OTHER;
    if (statuses[1].MPI_ERROR != MPI_SUCCESS || statuses[2].MPI_ERROR != MPI_SUCCESS) {
        return MPI_ERR_OTHER;
    }
    return statuses[0].MPI_ERROR;
}

/// MPI_Test until it is done.
int test_receive() {
    MPI_Request request;
    int done = 0, error = MPI_SUCCESS;
    MPI_Irecv(memory.data(), 1, MPI_CHAR, kVictim, 1, world, &request);
    while (done == 0 && error == MPI_SUCCESS) {
        error = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        usleep(1000);
    }
    return error;
}

int probe_in_a_loop() {
    int there = 0, error = MPI_SUCCESS;
    while (there == 0 && error == MPI_SUCCESS) {
        error = MPI_Iprobe(MPI_ANY_SOURCE, 1, world, &there, MPI_STATUS_IGNORE);
        usleep(1000);
    }
    return error;
}

int collective_request() {
    MPI_Request request;
    int word = rank, sum = 0;
    MPI_Iallreduce(&word, &sum, 1, MPI_INT, MPI_SUM, world, &request);
    return MPI_Wait(&request, MPI_STATUS_IGNORE);
}

/// The living make a communicator of their own, and work on it.
int go_on_without() {
    if (receive(kVictim, 1) == MPI_SUCCESS) return MPI_ERR_OTHER;
    MPI_Group all, living;
    MPI_Comm_group(world, &all);
    MPI_Group_excl(all, 1, &kVictim, &living);
    MPI_Comm comm = MPI_COMM_NULL;
    int error = MPI_Comm_create_group(world, living, 7, &comm);
    if (error != MPI_SUCCESS) return error;
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    for (int i = 0; i < 100 && error == MPI_SUCCESS; ++i) {
        int one = 1, sum = 0;
        error = MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm);
        if (sum != size - 1) return MPI_ERR_OTHER;
    }
    if (error == MPI_SUCCESS) error = MPI_Bcast(memory.data(), kLong, MPI_CHAR, 0, comm);
    MPI_Comm_free(&comm);
    MPI_Group_free(&living);
    MPI_Group_free(&all);
    return error;
}

const std::map<std::string, std::function<int()>> kCalls = {
    {"recv", [] { return receive(kVictim, 1); }},
    {"recv-any", [] { return receive(MPI_ANY_SOURCE, 1); }},
    {"recv-long", [] { return receive(kVictim, kLong); }},
    {"send-long", [] { return send(kVictim, kLong); }},
    {"ssend", [] { return MPI_Ssend(memory.data(), 1, MPI_CHAR, kVictim, 1, world); }},
    {"sends",
     [] {
         int error = MPI_SUCCESS;
         while (error == MPI_SUCCESS) error = send(kVictim, 1000);
         return error;
     }},
    {"probe", [] { return MPI_Probe(kVictim, 1, world, MPI_STATUS_IGNORE); }},
    {"iprobe", probe_in_a_loop},
    {"waitall", wait_all},
    {"test", test_receive},
    {"barrier", [] { return MPI_Barrier(world); }},
    {"bcast", [] { return MPI_Bcast(memory.data(), 100, MPI_CHAR, kVictim, world); }},
    {"bcast-long", [] { return MPI_Bcast(memory.data(), kLong, MPI_CHAR, kVictim, world); }},
    {"allreduce",
     [] {
         int word = 1, sum = 0;
         return MPI_Allreduce(&word, &sum, 1, MPI_INT, MPI_SUM, world);
     }},
    {"allreduce-long",
     [] { return MPI_Allreduce(MPI_IN_PLACE, memory.data(), kLong / 4, MPI_INT, MPI_MAX, world); }},
    {"iallreduce", collective_request},
    {"alltoall",
     [] {
         std::vector<int> in(static_cast<std::size_t>(size)), out(in);
         return MPI_Alltoall(out.data(), 1, MPI_INT, in.data(), 1, MPI_INT, world);
     }},
    {"dup",
     [] {
         MPI_Comm copy = MPI_COMM_NULL;
         return MPI_Comm_dup(world, &copy);
     }},
    {"go-on", go_on_without},
};

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(world, &rank);
    MPI_Comm_size(world, &size);
    const auto call = kCalls.find(argc > 1 ? argv[1] : "");
    if (call == kCalls.end()) return 2;
    if (argc < 3) MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN);
    // Enough for a communicator to get its shared memory, and all connections.
    for (int i = 0; i < 10; ++i) {
        int word = 1, sum = 0;
        MPI_Barrier(world);
        MPI_Allreduce(&word, &sum, 1, MPI_INT, MPI_SUM, world);
        MPI_Bcast(&word, 1, MPI_INT, i % size, world);
    }
    if (rank == kVictim) die_in_a_while();
    const char* first = name_of(call->second());
    // Whatever comes after fails at once; or works, if it is without the dead.
    const char* second = name_of(receive(kVictim, 1));
    std::string ring = "success";
    for (int peer = 0; peer < size; ++peer) {
        if (peer == kVictim || peer == rank) continue;
        int out = rank, in = -1;
        const int error = MPI_Sendrecv(&out, 1, MPI_INT, peer, 5, &in, 1, MPI_INT, peer, 5, world,
                                       MPI_STATUS_IGNORE);
        if (error != MPI_SUCCESS || in != peer) ring = name_of(error);
    }
    std::printf("rank %d: %s, then %s, barrier %s, others %s\n", rank, first, second,
                name_of(MPI_Barrier(world)), ring.c_str());
    std::fflush(stdout);
    return MPI_Finalize();
}
