#include "mpi/env/waiting.hpp"

#include <dlfcn.h>
#include <unwind.h>

#include <string>
#include <string_view>

#include "mpi/core/failure.hpp"
#include "mpi/core/process.hpp"

namespace mpi {

namespace {

/// The outermost function of MPI on the stack: the others are called by a user's function that MPI
/// calls, or by MPI itself.
struct Outermost {
    const char* name = nullptr;
    int depth = 0;
};

_Unwind_Reason_Code look_at_frame(_Unwind_Context* frame, void* found) {
    constexpr int kDeepest = 256;
    auto& outermost = *static_cast<Outermost*>(found);
    if (++outermost.depth > kDeepest) return _URC_END_OF_STACK;
    // The return address may belong to the next function already.
    auto* address = reinterpret_cast<void*>(_Unwind_GetIP(frame) - 1);
    Dl_info info;
    if (::dladdr(address, &info) == 0 || info.dli_sname == nullptr) return _URC_NO_REASON;
    const std::string_view name = info.dli_sname;
    if (name.starts_with("MPI_")) outermost.name = info.dli_sname;
    if (name.starts_with("PMPI_")) outermost.name = info.dli_sname + 1;
    return _URC_NO_REASON;
}

std::string name_of_call() {
    Outermost outermost;
    _Unwind_Backtrace(look_at_frame, &outermost);
    return outermost.name != nullptr ? outermost.name : "a call of MPI";
}

std::string number_text(int value, int any) {
    return value == any ? (any == MPI_ANY_TAG ? "MPI_ANY_TAG" : "MPI_ANY_SOURCE")
                        : std::to_string(value);
}

std::string comm_text(const Comm* comm) {
    if (comm == nullptr) return "comm=?";
    std::string name = comm->name;
    if (name.empty()) name = "0x" + std::to_string(comm->id);
    return "comm=" + name;
}

std::string arguments(const adi::Match& match) {
    return "source=" + number_text(match.source, MPI_ANY_SOURCE) +
           ", tag=" + number_text(match.tag, MPI_ANY_TAG) + ", " +
           comm_text(comm_of(match.context));
}

/// A message is within a collective operation when its context says so: then all that the ranks
/// have in common is told, so that they can be compared.
std::string arguments(const adi::Request& r) {
    const Comm* comm = comm_of(r.match.context);
    if ((r.match.context & 1) != 0) return comm_text(comm);
    const std::string bytes = "bytes=" + std::to_string(r.buffer.bytes);
    if (r.receive) return bytes + ", " + arguments(r.match);
    const int dest = comm == nullptr ? -1 : comm->peers->rank_of(r.peer);
    return bytes + ", dest=" + std::to_string(dest) + ", tag=" + std::to_string(r.match.tag) +
           ", " + comm_text(comm);
}

std::string arguments(const adi::Awaited& awaited) {
    if (awaited.request != nullptr) return arguments(*awaited.request);
    if (awaited.match != nullptr) return arguments(*awaited.match);
    if (awaited.context != nullptr) return comm_text(comm_of(*awaited.context));
    if (awaited.requests > 0) return "count=" + std::to_string(awaited.requests);
    return "";
}

}  // namespace

void tell_wait(const adi::Awaited& awaited, std::int64_t since_ns) {
    const adi::Matcher& matcher = engine().matcher();
    process_state->board->wait(name_of_call() + '(' + arguments(awaited) + ')', since_ns,
                               static_cast<std::uint32_t>(matcher.unexpected()),
                               static_cast<std::uint32_t>(matcher.posted()));
}

void tell_end_of_wait() {
    process_state->board->go_on();
}

}  // namespace mpi
