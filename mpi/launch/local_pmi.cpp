// The part of a host that concerns the ranks' PMI connections.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "mpi/launch/local_host.hpp"

namespace launch {

namespace {

// From a rank's hanging up on PMI to the conclusion that it will not take part any more.
constexpr std::chrono::milliseconds kHangUpDelay{500};

}  // namespace

void LocalHost::on_pmi(int rank) {
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
        loop_->call_after(kHangUpDelay, [this, rank] { pmi_->gone(rank); });
    }
}

void LocalHost::drain_pmi(int rank) {
    // Bounded by what a socket holds; what a surviving descendant may still send is not waited for.
    for (int i = 0; i < 256 && at(rank).pmi; ++i) {
        at(rank).pmi_unsent.clear();  // nobody is left to read it
        char peek = 0;
        if (::recv(at(rank).pmi.get(), &peek, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) break;
        on_pmi(rank);
    }
    close_pmi(rank);
}

void LocalHost::close_pmi(int rank) {
    Rank& state = at(rank);
    if (!state.pmi) return;
    loop_->remove(state.pmi.get());
    state.pmi.reset();
    state.pmi_unsent.clear();
}

void LocalHost::flush_pmi(int rank) {
    Rank& state = at(rank);
    if (!state.pmi || state.pmi_unsent.empty()) return;
    const ssize_t put = ::send(state.pmi.get(), state.pmi_unsent.data(), state.pmi_unsent.size(),
                               MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put > 0) state.pmi_unsent.erase(0, static_cast<std::size_t>(put));
    if (put < 0 && errno != EAGAIN && errno != EINTR) state.pmi_unsent.clear();
    const bool blocked = !state.pmi_unsent.empty();
    if (blocked == state.pmi_blocked) return;
    state.pmi_blocked = blocked;
    loop_->change(state.pmi.get(), static_cast<std::uint32_t>(blocked ? EPOLLOUT : EPOLLIN));
}

void LocalHost::pmi_send(int rank, std::string_view line) {
    Rank& state = at(rank);
    if (!state.pmi) return;
    state.pmi_unsent.append(line);
    flush_pmi(rank);
}

void LocalHost::pmi_abort(int rank, int exitcode) {
    // Its request may overtake the keeper's report of its pid, which the message names.
    if (at(rank).pid < 0) {
        early_aborts_.emplace(rank, exitcode);
        return;
    }
    drain_output(rank);
    events_->on_abort(rank, exitcode);
}

void LocalHost::pmi_rank_lost(int rank, int peer, const std::string& why) {
    drain_output(rank);
    events_->on_rank_lost(rank, peer, why);
}

void LocalHost::pmi_broken(int rank, const std::string& why) {
    events_->on_broken(rank, why);
    close_pmi(rank);
}

}  // namespace launch
