// The PMI-1 server of one host: its part of the job's key space and of the job's barrier. It knows
// ranks and bytes, not descriptors or processes, so that it can be tested by feeding it lines.
//
// Hosts meet in the barrier alone: when all ranks of a host stand in it, what they have put goes to
// mpirun, and comes back with what the others have put; in between each server answers by itself.
//
// Every byte comes from a program that may be broken or hostile. What is wrong but has a proper
// error answer gets it; anything else breaks that rank's connection with a sentence for people,
// after which the rank is not listened to any more. Memory per rank is bounded.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adi/boot/pmi1_wire.hpp"
#include "mpi/launch/plan.hpp"

namespace launch {

/// How far a rank has come: not before init; after it; after finalize or abort.
enum class PmiPhase { fresh, active, finalized };

/// What the server needs done, for one of its ranks. Calls come from inside the server's functions;
/// they must not call the server back, but for release() from within pmi_fence().
class PmiEvents {
  public:
    virtual ~PmiEvents() = default;
    virtual void pmi_send(int rank, std::string_view line) = 0;
    virtual void pmi_phase(int rank, PmiPhase phase) = 0;
    /// The rank asks for the end of the whole job; `exitcode` is in [1, 255].
    virtual void pmi_abort(int rank, int exitcode) = 0;
    /// The rank has lost the way to `peer`, which may be any number; `why` is half a sentence.
    virtual void pmi_rank_lost(int rank, int peer, const std::string& why) = 0;
    /// The rank wants `peer`, which may be any number, to connect to it.
    virtual void pmi_invite(int rank, int peer) = 0;
    /// The rank's connection is of no use any more; `why` is half a sentence.
    virtual void pmi_broken(int rank, const std::string& why) = 0;
    /// The first of its ranks stands in the barrier.
    virtual void pmi_waiting(int rank) = 0;
    /// The rank can never enter a barrier any more. Once.
    virtual void pmi_absent(int rank) = 0;
    /// All ranks stand in the barrier, and wait for PmiServer::release().
    virtual void pmi_fence() = 0;
};

class PmiServer {
  public:
    /// What a rank may store in all, keys and values.
    static constexpr std::size_t kMaxStoredBytesPerRank = std::size_t{4} << 20;

    /// The key under which ranks of this job, and nobody else, find its secret.
    static constexpr std::string_view kSecretKey = "FATHOM_secret";

    /// Serves `ranks` of the plan, which outlives it.
    PmiServer(const JobPlan& plan, const std::vector<int>& ranks, PmiEvents* events);

    /// Bytes that `rank` sent, in any pieces.
    void receive(int rank, std::string_view bytes);

    /// The rank's process ended, or its connection closed: nothing more will come from it.
    void gone(int rank);

    /// What was put since the last call.
    Values take_values() { return std::exchange(new_values_, {}); }
    /// Opens the barrier, with what all ranks of the job have put.
    void release(const Values& values);

  private:
    using Phase = PmiPhase;
    struct Rank {
        Phase phase = Phase::fresh;
        bool in_barrier = false;
        bool in_spawn = false;  // inside the lines of an mcmd=spawn
        bool broken = false;
        bool gone = false;
        bool absent = false;  // told
        std::size_t stored_bytes = 0;
        adi::pmi1::LineBuffer lines;
    };

    void handle_line(int rank, const std::string& line);
    void handle(int rank, const adi::pmi1::Message& message);
    bool handle_query(int rank, const adi::pmi1::Message& message);
    bool refuse_unsupported(int rank, const std::string& command);
    void put(int rank, const adi::pmi1::Message& message);
    void get(int rank, const adi::pmi1::Message& message);
    void enter_barrier(int rank);
    void enter_phase(int rank, Phase phase);
    void check_absent(int rank);
    void break_rank(int rank, const std::string& why);
    Rank& at(int rank) { return ranks_.find(rank)->second; }

    const JobPlan& plan_;
    std::map<int, Rank> ranks_;
    PmiEvents* events_;
    std::unordered_map<std::string, std::string> values_;
    Values new_values_;
    std::size_t in_barrier_ = 0;
};

}  // namespace launch
