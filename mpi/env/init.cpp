// The World Model: MPI_Init to MPI_Finalize (MPI-5.0 §11.2, §11.4), which a process goes through
// once, whatever sessions there are besides.
#include "mpi/attr/attributes.hpp"
#include "mpi/core/call.hpp"
#include "mpi/core/process.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {

std::atomic<Phase> world_phase{Phase::before_init};

namespace {

constexpr std::uint32_t kWorldContext = 2;
constexpr std::uint32_t kSelfContext = 4;

void make_communicators(ProcessState& p) {
    Errhandler* fatal = find<Errhandler>(MPI_ERRORS_ARE_FATAL);
    set_up_comm(p.world, &p.world_group, kWorldContext, fatal);
    set_up_comm(p.self, &p.self_group, kSelfContext, fatal);
    p.world.name = "MPI_COMM_WORLD";
    p.self.name = "MPI_COMM_SELF";
    table<Comm>().predefine(0x101, &p.world);
    table<Comm>().predefine(0x102, &p.self);
}

/// Those of MPI_COMM_SELF go before anything else happens (MPI-5.0 §11.4.1); then those of the
/// other objects that MPI itself made.
Status delete_all_attributes() {
    if (Status s = delete_attributes(process_state->self); s != Status::ok) return s;
    if (Status s = delete_attributes(process_state->world); s != Status::ok) return s;
    return delete_predefined_type_attributes();
}

}  // namespace

Status init_thread(int*, char***, int required, int& provided) {
    if (world_phase.load() != Phase::before_init) {
        return fail(Status::other, world_phase.load() == Phase::running
                                       ? "MPI is initialised already"
                                       : "MPI was finalized; it cannot be started again");
    }
    const int level = supported_level(required);
    enter_process(level);
    ProcessState& p = *process_state;
    p.thread_level = level;
    p.main_thread = std::this_thread::get_id();
    make_communicators(p);
    provided = level;
    world_phase.store(Phase::running);
    return Status::ok;
}

Status init(int* argc, char*** argv) {
    int provided = 0;
    return init_thread(argc, argv, MPI_THREAD_SINGLE, provided);
}

Status finalize() {
    if (world_phase.load() != Phase::running) {
        return fail(Status::other, world_phase.load() == Phase::finalized
                                       ? "MPI_Finalize was called already"
                                       : "MPI_Init was not called; sessions are finalized by "
                                         "MPI_Session_finalize");
    }
    ProcessState& p = *process_state;
    if (Status s = delete_all_attributes(); s != Status::ok) return s;
    pt2pt::drain_buffered();
    // Without a process that is lost the others end as they come.
    if (Status s = barrier(p.world); s != Status::ok && !p.world.broken) return s;
    clear_error_detail();
    world_phase.store(Phase::finalized);
    for (Comm* comm : {&p.world, &p.self}) {
        if (comm->coll != nullptr) coll::destroy(comm->coll);
        comm->coll = nullptr;
        release(comm->errhandler);
    }
    table<Comm>().undefine(0x101);
    table<Comm>().undefine(0x102);
    leave_process();
    return Status::ok;
}

}  // namespace mpi
