// The part of a job that concerns the ranks' PMI connections.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "mpi/launch/job.hpp"

namespace launch {

namespace {

// From a rank's hanging up on PMI to the conclusion that it will not take part any more.
constexpr std::chrono::milliseconds kHangUpDelay{500};

}  // namespace

void Job::on_pmi(int rank) {
    Rank& state = at(rank);
    // With answers unsent, questions wait: a rank that does not read cannot make the queue grow.
    if (!state.pmi || !state.pmi_unsent.empty()) return;
    char bytes[4096];
    const ssize_t got = ::read(state.pmi.get(), bytes, sizeof bytes);
    if (got > 0) {
        pmi_->receive(rank, {bytes, static_cast<std::size_t>(got)});
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_pmi(rank);
        // Most often the process is ending, and how it ended is the better news; so wait for that.
        loop_.call_after(kHangUpDelay, [this, rank] { pmi_->gone(rank); });
    }
}

void Job::drain_pmi(int rank) {
    // Bounded by what a socket holds; what a surviving descendant may still send is not waited for.
    for (int i = 0; i < 256 && at(rank).pmi; ++i) {
        at(rank).pmi_unsent.clear();  // nobody is left to read it
        char peek = 0;
        if (::recv(at(rank).pmi.get(), &peek, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) break;
        on_pmi(rank);
    }
    close_pmi(rank);
}

void Job::close_pmi(int rank) {
    Rank& state = at(rank);
    if (!state.pmi) return;
    loop_.remove(state.pmi.get());
    state.pmi.reset();
    state.pmi_unsent.clear();
}

void Job::flush_pmi(int rank) {
    Rank& state = at(rank);
    if (!state.pmi || state.pmi_unsent.empty()) return;
    const ssize_t put = ::send(state.pmi.get(), state.pmi_unsent.data(), state.pmi_unsent.size(),
                               MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put > 0) state.pmi_unsent.erase(0, static_cast<std::size_t>(put));
    if (put < 0 && errno != EAGAIN && errno != EINTR) state.pmi_unsent.clear();
    const bool blocked = !state.pmi_unsent.empty();
    if (blocked == state.pmi_blocked) return;
    state.pmi_blocked = blocked;
    loop_.change(state.pmi.get(), static_cast<std::uint32_t>(blocked ? EPOLLOUT : EPOLLIN));
}

void Job::pmi_send(int rank, std::string_view line) {
    Rank& state = at(rank);
    if (!state.pmi) return;
    state.pmi_unsent.append(line);
    flush_pmi(rank);
}

void Job::pmi_abort(int rank, int exitcode) {
    if (at(rank).abort_code) return;
    at(rank).abort_code = exitcode;
    // Its request may overtake the keeper's report of its pid, which the message names.
    if (at(rank).pid >= 0) report_abort(rank);
}

void Job::report_abort(int rank) {
    const int code = *at(rank).abort_code;
    outputs_.drain_rank(rank);
    fail(describe(rank) + " aborted the job with exit code " + std::to_string(code), code);
}

void Job::pmi_broken(int rank, const std::string& why) {
    say(describe(rank) + ": its PMI connection is closed: " + why);
    close_pmi(rank);
}

void Job::pmi_barrier_hopeless(int waiting, int missing) {
    const bool ended = at(missing).state == State::ended;
    fail("rank " + std::to_string(waiting) + " waits in MPI_Init or MPI_Finalize for rank " +
             std::to_string(missing) + ", which " +
             (ended ? "has already ended" : "can not take part any more") +
             " (is it the same MPI program?); the job is ended",
         1);
}

}  // namespace launch
