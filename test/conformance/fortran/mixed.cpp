// A program of two languages: C makes objects, Fortran uses them, and the other way about. Each
// handle goes through MPI_X_c2f and MPI_X_f2c, each attribute through both languages (MPI-5.0
// §19.3).
#include <mpi.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

extern "C" {
// mixed_f08.f90
void fortran_handles(MPI_Fint* comm, MPI_Fint* group, MPI_Fint* type, MPI_Fint* op,
                     MPI_Fint* request, int* ok);
void fortran_status(const MPI_Fint* status, int* ok);
void fortran_ignore();
void fortran_make_keyval(int* keyval);
void fortran_set(MPI_Fint* comm, int* keyval, MPI_Aint* value);
void fortran_get(MPI_Fint* comm, int* keyval, MPI_Aint* value, int* found);
void fortran_operation(MPI_Fint* op);
void fortran_count(int* copied, int* deleted);
// Called by Fortran: is this what C knows as MPI_STATUS_IGNORE?
int ignored(const void* status) {
    return status == MPI_F08_STATUS_IGNORE;
}
}

namespace {

int failures = 0;

void check(bool right, const char* what) {
    if (right) return;
    ++failures;
    std::printf("FAILED: %s\n", what);
}

void handles() {
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Comm_dup(MPI_COMM_SELF, &comm);
    MPI_Group group = MPI_GROUP_NULL;
    MPI_Comm_group(comm, &group);
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_Type_contiguous(3, MPI_INT, &type);
    MPI_Type_commit(&type);
    MPI_Op op = MPI_OP_NULL;
    MPI_Op_create([](void*, void*, int*, MPI_Datatype*) {}, 1, &op);
    int number = 0;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Irecv(&number, 1, MPI_INT, 0, 1, comm, &request);
    MPI_Fint f[] = {MPI_Comm_c2f(comm), MPI_Group_c2f(group), MPI_Type_c2f(type), MPI_Op_c2f(op),
                    MPI_Request_c2f(request)};
    int ok = 0;
    fortran_handles(&f[0], &f[1], &f[2], &f[3], &f[4], &ok);
    check(ok == 1, "Fortran uses C's handles");
    check(number == 17, "C's receive is completed by Fortran");
    check(MPI_Comm_f2c(f[0]) == MPI_COMM_NULL, "freed by Fortran: the communicator");
    check(MPI_Group_f2c(f[1]) == MPI_GROUP_NULL, "freed by Fortran: the group");
    check(MPI_Type_f2c(f[2]) == MPI_DATATYPE_NULL, "freed by Fortran: the datatype");
    check(MPI_Op_f2c(f[3]) == MPI_OP_NULL, "freed by Fortran: the operation");
    check(MPI_Request_f2c(f[4]) == MPI_REQUEST_NULL, "completed by Fortran: the request");
}

void statuses() {
    MPI_Status status;
    std::memset(&status, 0, sizeof status);
    status.MPI_SOURCE = 1;
    status.MPI_TAG = 2;
    status.MPI_ERROR = 3;
    MPI_Status_set_elements(&status, MPI_INT, 9);
    MPI_Fint f[MPI_F_STATUS_SIZE];
    MPI_Status_c2f(&status, f);
    int ok = 0;
    fortran_status(f, &ok);
    check(ok == 1, "a status of C in Fortran");
    check(MPI_F_STATUS_IGNORE != nullptr && MPI_F08_STATUSES_IGNORE != nullptr,
          "MPI_F_STATUS_IGNORE");
    fortran_ignore();
}

void attributes() {
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Comm_dup(MPI_COMM_SELF, &comm);
    MPI_Fint f = MPI_Comm_c2f(comm);
    int found = 0;
    void* seen = nullptr;
    MPI_Aint value = 0;

    // A keyval of C.
    int c_key = 0;
    MPI_Comm_create_keyval(MPI_COMM_DUP_FN, MPI_COMM_NULL_DELETE_FN, &c_key, nullptr);
    int something = 5;
    MPI_Comm_set_attr(comm, c_key, &something);
    fortran_get(&f, &c_key, &value, &found);
    check(found && value == reinterpret_cast<MPI_Aint>(&something),
          "what C set is an address in Fortran");
    value = INT64_C(1) << 50;
    fortran_set(&f, &c_key, &value);
    MPI_Comm_get_attr(comm, c_key, &seen, &found);
    check(found && *static_cast<MPI_Aint*>(seen) == INT64_C(1) << 50,
          "C sees the address of what Fortran set");

    // A keyval of Fortran, whose functions are called for C too.
    int f_key = 0;
    fortran_make_keyval(&f_key);
    value = 30;
    fortran_set(&f, &f_key, &value);
    MPI_Comm other = MPI_COMM_NULL;
    MPI_Comm_dup(comm, &other);
    MPI_Comm_get_attr(other, f_key, &seen, &found);
    check(found && *static_cast<MPI_Aint*>(seen) == 31,
          "Fortran's copy function for MPI_Comm_dup of C");
    MPI_Comm_get_attr(other, c_key, &seen, &found);
    check(found && *static_cast<MPI_Aint*>(seen) == INT64_C(1) << 50,
          "and C's for a value of Fortran");
    MPI_Comm_set_attr(other, f_key, &something);
    MPI_Comm_free(&other);
    MPI_Comm_free(&comm);
    int copied = 0;
    int deleted = 0;
    fortran_count(&copied, &deleted);
    check(copied == 1 && deleted == 3, "how often Fortran's functions were called");
    MPI_Comm_free_keyval(&c_key);
    MPI_Comm_free_keyval(&f_key);
}

void operations() {
    MPI_Fint f = 0;
    fortran_operation(&f);
    MPI_Op op = MPI_Op_f2c(f);
    int size = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int mine[] = {1, 2};
    int all[] = {0, 0};
    MPI_Allreduce(mine, all, 2, MPI_INT, op, MPI_COMM_WORLD);
    check(all[0] == size && all[1] == 2 * size, "an operation of Fortran in C");
    MPI_Op_free(&op);
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    handles();
    statuses();
    attributes();
    operations();
    MPI_Finalize();
    return failures > 0 ? 1 : 0;
}
