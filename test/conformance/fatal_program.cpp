// Makes one mistake, named by the argument, under the default error handler; fatal_test.py looks at
// how the job ends. With more than one rank the last makes the mistake, and the others wait for a
// message that never comes, so that only the end of the job can end them.
#include <mpi.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

namespace {

int rank = -1;
int size = 0;
std::array<int, 1000> data{};

void barrier_on_freed() {
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Comm_dup(MPI_COMM_SELF, &comm);
    MPI_Comm freed = comm;
    MPI_Comm_free(&comm);
    MPI_Barrier(freed);
}

void send_of_uncommitted() {
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_Type_contiguous(3, MPI_INT, &type);
    MPI_Send(data.data(), 1, type, 0, 5, MPI_COMM_WORLD);
}

void truncation_in_recv() {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(data.data(), 10, MPI_INT, rank, 5, MPI_COMM_WORLD, &request);
    MPI_Recv(data.data() + 100, 4, MPI_INT, rank, 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

void truncation_in_wait() {
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Comm_dup(MPI_COMM_SELF, &comm);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Irecv(data.data(), 4, MPI_INT, 0, 5, comm, &request);
    MPI_Send(data.data() + 100, 10, MPI_INT, 0, 5, comm);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
}

// A communicator inherits the handler of its parent.
void error_on_split() {
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Comm_split(MPI_COMM_SELF, 0, 0, &comm);
    MPI_Send(data.data(), 1, MPI_INT, 44, 5, comm);
}

void fatal_again_after_return() {
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (MPI_Send(data.data(), 1, MPI_INT, 4711, 5, MPI_COMM_WORLD) == MPI_SUCCESS) std::abort();
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL);
    MPI_Send(data.data(), 1, MPI_INT, 4712, 5, MPI_COMM_WORLD);
}

const std::map<std::string, std::function<void()>> mistakes{
    {"rank", [] { MPI_Send(data.data(), 1, MPI_INT, 4711, 5, MPI_COMM_WORLD); }},
    {"tag", [] { MPI_Send(data.data(), 1, MPI_INT, 0, -4711, MPI_COMM_WORLD); }},
    {"count", [] { MPI_Send(data.data(), -4711, MPI_INT, 0, 5, MPI_COMM_WORLD); }},
    {"type", [] { MPI_Send(data.data(), 1, MPI_DATATYPE_NULL, 0, 5, MPI_COMM_WORLD); }},
    {"uncommitted", send_of_uncommitted},
    {"root", [] { MPI_Bcast(data.data(), 1, MPI_INT, 4711, MPI_COMM_WORLD); }},
    {"op", [] { MPI_Allreduce(data.data(), &data[1], 1, MPI_DOUBLE, MPI_BAND, MPI_COMM_WORLD); }},
    {"null-comm", [] { MPI_Barrier(MPI_COMM_NULL); }},
    {"freed-comm", barrier_on_freed},
    {"group", [] { MPI_Group_size(MPI_GROUP_NULL, &size); }},
    {"truncate-recv", truncation_in_recv},
    {"truncate-wait", truncation_in_wait},
    {"split", error_on_split},
    {"fatal-again", fatal_again_after_return},
    {"init-twice", [] { MPI_Init(nullptr, nullptr); }},
    {"abort", [] { MPI_Abort(MPI_COMM_WORLD, 42); }},
    {"abort-self", [] { MPI_Abort(MPI_COMM_SELF, 43); }},
};

// What may be called at any time.
bool always_allowed() {
    int flag = 0;
    int version = 0;
    int subversion = 0;
    int length = 0;
    std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
    return MPI_Initialized(&flag) == MPI_SUCCESS && MPI_Finalized(&flag) == MPI_SUCCESS &&
           MPI_Get_version(&version, &subversion) == MPI_SUCCESS &&
           MPI_Get_library_version(text.data(), &length) == MPI_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mistake = argc > 1 ? argv[1] : "";
    if (mistake == "before-init") MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (mistake == "always" && !always_allowed()) return 3;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);

    if (const auto found = mistakes.find(mistake); found != mistakes.end()) {
        if (rank == size - 1) {
            found->second();
            std::printf("the mistake went unnoticed\n");
            return 0;
        }
        MPI_Recv(data.data(), 1, MPI_INT, MPI_ANY_SOURCE, 999, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }

    MPI_Finalize();
    if (mistake == "after-finalize") MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (mistake == "finalize-twice") MPI_Finalize();
    if (mistake == "always" && !always_allowed()) return 4;
    std::printf("the end\n");
    return 0;
}
