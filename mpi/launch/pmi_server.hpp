// The PMI-1 server: the job's key space and its barrier. It knows ranks and bytes, not descriptors
// or processes, so that it can be tested by feeding it lines.
//
// Every byte comes from a program that may be broken or hostile. What is wrong but has a proper
// error answer gets it; anything else breaks that rank's connection with a sentence for people,
// after which the rank is not listened to any more. Memory per rank is bounded.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adi/boot/pmi1_wire.hpp"

namespace launch {

/// What the server needs done. Calls come from inside PmiServer::receive() and PmiServer::gone();
/// they must not call the server back.
class PmiEvents {
  public:
    virtual ~PmiEvents() = default;
    virtual void pmi_send(int rank, std::string_view line) = 0;
    /// The rank asks for the end of the whole job; `exitcode` is in [1, 255].
    virtual void pmi_abort(int rank, int exitcode) = 0;
    /// The rank's connection is of no use any more; `why` is half a sentence.
    virtual void pmi_broken(int rank, const std::string& why) = 0;
    /// `waiting` stands in a barrier that `missing` can never enter.
    virtual void pmi_barrier_hopeless(int waiting, int missing) = 0;
};

class PmiServer {
  public:
    /// What a rank may store in all, keys and values.
    static constexpr std::size_t kMaxStoredBytesPerRank = std::size_t{4} << 20;

    /// `appnums[r]` is the program number of rank r; its size is that of the job.
    PmiServer(std::vector<int> appnums, std::string kvs_name, PmiEvents* events);

    /// Bytes that `rank` sent, in any pieces.
    void receive(int rank, std::string_view bytes);

    /// The rank's process ended, or its connection closed: nothing more will come from it.
    void gone(int rank);

    /// Whether the rank called init and then neither finalize nor abort.
    bool in_progress(int rank) const;
    /// Whether the rank has called finalize.
    bool finalized(int rank) const;

  private:
    enum class Phase { fresh, active, finalized };
    struct Rank {
        Phase phase = Phase::fresh;
        bool in_barrier = false;
        bool in_spawn = false;  // inside the lines of an mcmd=spawn
        bool broken = false;
        bool gone = false;
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
    void check_barrier();
    void break_rank(int rank, const std::string& why);
    Rank& at(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }
    int size() const { return static_cast<int>(ranks_.size()); }

    std::vector<Rank> ranks_;
    std::vector<int> appnums_;
    std::string kvs_name_;
    PmiEvents* events_;
    std::unordered_map<std::string, std::string> values_;
    int in_barrier_ = 0;
    bool hopeless_told_ = false;
};

}  // namespace launch
