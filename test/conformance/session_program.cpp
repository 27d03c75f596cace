// Sessions without MPI_Init, before it, around it and after MPI_Finalize: what a program that is
// one job for each order cannot be a GoogleTest for. Prints what went wrong; the argument says the
// order.
#include <mpi.h>

#include <cstdio>
#include <cstring>

namespace {

int failures = 0;

void expect(bool good, const char* what) {
    if (good) return;
    std::printf("FAILED: %s\n", what);
    ++failures;
}

MPI_Session open() {
    MPI_Session session = MPI_SESSION_NULL;
    expect(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session) == MPI_SUCCESS, "init");
    return session;
}

/// Makes a communicator of all processes and lets them talk.
void use(MPI_Session session) {
    MPI_Group group = MPI_GROUP_NULL;
    MPI_Comm comm = MPI_COMM_NULL;
    expect(MPI_Group_from_session_pset(session, "mpi://WORLD", &group) == MPI_SUCCESS, "pset");
    expect(MPI_Comm_create_from_group(group, "use", MPI_INFO_NULL, MPI_ERRORS_ARE_FATAL, &comm) ==
               MPI_SUCCESS,
           "create_from_group");
    int size = 0;
    int one = 1;
    int sum = 0;
    MPI_Comm_size(comm, &size);
    expect(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm) == MPI_SUCCESS, "allreduce");
    expect(sum == size, "the sum");
    MPI_Comm_free(&comm);
    MPI_Group_free(&group);
}

void world() {
    int flag = 1;
    MPI_Initialized(&flag);
    expect(flag == 0, "sessions do not count as MPI_Init");
    MPI_Init(nullptr, nullptr);
    int rank = -1;
    int sum = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    expect(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD) == MPI_SUCCESS,
           "allreduce on the world");
}

void once() {
    MPI_Session session = open();
    use(session);
    MPI_Session_finalize(&session);
}

}  // namespace

int main(int argc, char** argv) {
    const char* order = argc > 1 ? argv[1] : "";
    int flag = 0;
    if (std::strcmp(order, "alone") == 0) {
        once();
        MPI_Initialized(&flag);
        expect(flag == 0, "not initialised");
    } else if (std::strcmp(order, "again") == 0) {
        for (int i = 0; i < 3; ++i) once();
    } else if (std::strcmp(order, "before") == 0) {
        once();
        world();
        MPI_Finalize();
    } else if (std::strcmp(order, "after") == 0) {
        world();
        MPI_Finalize();
        MPI_Finalized(&flag);
        expect(flag != 0, "finalized");
        once();
    } else if (std::strcmp(order, "around") == 0) {
        MPI_Session session = open();
        world();
        use(session);
        MPI_Finalize();
        use(session);
        MPI_Session_finalize(&session);
    } else if (std::strcmp(order, "within") == 0) {
        world();
        MPI_Session session = open();
        MPI_Finalize();
        use(session);
        MPI_Session_finalize(&session);
    } else {
        expect(false, "unknown order");
    }
    return failures == 0 ? 0 : 1;
}
