// What a program can ask of its surroundings, the clock, and MPI_Abort (MPI-5.0 §9.1, §9.4 to §9.6,
// §11.6). All but the thread level, the processor's name and MPI_Abort may be asked at any time, by
// any thread.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <thread>

#include "mpi/core/call.hpp"
#include "mpi/core/process.hpp"
#include "mpi/core/user_errors.hpp"
#include "mpi/env/version.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/gen/names.hpp"

namespace mpi {

namespace {

/// Puts a text into the user's array of `capacity` characters.
Status give(std::string_view text, char* to, int capacity, int& length) {
    const std::size_t n = std::min(text.size(), static_cast<std::size_t>(capacity) - 1);
    std::memcpy(to, text.data(), n);
    to[n] = '\0';
    length = static_cast<int>(n);
    return Status::ok;
}

double seconds(const timespec& t) {
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Status no_error_code(int code) {
    return fail(Status::arg, "errorcode is %d, which is no error code of MPI", code);
}

}  // namespace

Status initialized(int& flag) {
    flag = world_phase.load(std::memory_order_relaxed) != Phase::before_init ? 1 : 0;
    return Status::ok;
}

Status finalized(int& flag) {
    flag = world_phase.load(std::memory_order_relaxed) == Phase::finalized ? 1 : 0;
    return Status::ok;
}

Status query_thread(int& provided) {
    provided = process_state->thread_level;
    return Status::ok;
}

Status is_thread_main(int& flag) {
    flag = process_state->main_thread == std::this_thread::get_id() ? 1 : 0;
    return Status::ok;
}

Status abort(Comm& comm, int errorcode) {
    char line[512];
    const int n = std::snprintf(
        line, sizeof line, "Fathom: rank %d on host %s: MPI_Abort(comm=%s, errorcode=%d)\n",
        world_rank(), process_state->host.c_str(),
        comm.name.empty() ? "without a name" : comm.name.c_str(), errorcode);
    std::fflush(nullptr);  // what the program printed comes first
    if (write(STDERR_FILENO, line, std::min(static_cast<std::size_t>(n), sizeof line - 1)) < 0) {
        // Nowhere to say it; the exit status still does.
    }
    abort_job(errorcode);
}

double wtime() {
    if (process_state != nullptr) {
        // In modelled time this call moves the clock, so that loops until a time end.
        if (const std::int64_t ns = process_state->engine.clock_ns(); ns >= 0) {
            return static_cast<double>(ns) * 1e-9;
        }
    }
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return seconds(now);
}

double wtick() {
    timespec resolution{};
    clock_getres(CLOCK_MONOTONIC, &resolution);
    return seconds(resolution);
}

Status get_processor_name(char* name, int& resultlen) {
    return give(process_state->host, name, MPI_MAX_PROCESSOR_NAME, resultlen);
}

Status get_version(int& version, int& subversion) {
    version = MPI_VERSION;
    subversion = MPI_SUBVERSION;
    return Status::ok;
}

Status get_library_version(char* version, int& resultlen) {
    static_assert(MPI_VERSION == 5 && MPI_SUBVERSION == 0);
    char text[sizeof kVersion + 32];
    std::snprintf(text, sizeof text, "Fathom %s, MPI 5.0 ABI", kVersion);
    return give(text, version, MPI_MAX_LIBRARY_VERSION_STRING, resultlen);
}

Status error_string(int errorcode, char* string, int& resultlen) {
    const ErrorFacts facts = facts_of_error(errorcode);
    if (facts.text == nullptr) return no_error_code(errorcode);
    if (facts.added) return give(facts.text, string, MPI_MAX_ERROR_STRING, resultlen);
    const char* name = "";
    for (const names::Name& entry : names::error_class) {
        if (entry.value == static_cast<std::uintptr_t>(errorcode)) name = entry.name;
    }
    char both[MPI_MAX_ERROR_STRING];
    std::snprintf(both, sizeof both, "%s: %s", name, facts.text);
    return give(both, string, MPI_MAX_ERROR_STRING, resultlen);
}

Status error_class(int errorcode, int& errorclass) {
    const ErrorFacts facts = facts_of_error(errorcode);
    if (facts.text == nullptr) return no_error_code(errorcode);
    errorclass = facts.error_class;
    return Status::ok;
}

}  // namespace mpi
