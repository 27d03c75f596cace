// All sinks and streams of a job: which rank's output goes where.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mpi/launch/event_loop.hpp"
#include "mpi/launch/options.hpp"
#include "mpi/launch/output.hpp"
#include "mpi/launch/unique_fd.hpp"

namespace launch {

/// The read ends of one rank's pipes.
struct RankPipes {
    UniqueFd out;
    UniqueFd err;
    int appnum = 0;
};

class Outputs {
  public:
    Outputs(EventLoop* loop, const Options& options);
    ~Outputs();

    /// Opens files where the options ask for them and begins to read. False and a sentence in
    /// `error` when a file cannot be opened.
    bool open(std::vector<RankPipes> pipes, std::string* error);

    /// Takes in what `rank` wrote before it ended. Its descendants may go on writing.
    void drain_rank(int rank);

    /// Takes in what is left of everybody's output and closes all pipes.
    void finish();

    /// A line of mpirun's own on stderr, in its place between the ranks' lines.
    void say(const std::string& line);

    /// Waits until everything said is written, up to `limit`.
    void drain(std::chrono::milliseconds limit);

    /// Whether mpirun's own stdout was closed by its reader.
    bool stdout_closed() const { return out_->closed(); }

  private:
    Sink* file_sink(const std::string& path, std::string* error);
    // The sinks of one stream; empty on failure.
    std::vector<Sink*> sinks_of(bool is_stderr, int rank, int appnum, std::string* error);
    void follow_sinks();
    void show_prompts();

    EventLoop* loop_;
    const Options& options_;
    std::unique_ptr<Sink> out_;
    std::unique_ptr<Sink> own_err_;  // empty when stdout and stderr are the same file
    Sink* err_;                      // own_err_ or out_
    std::map<std::string, std::unique_ptr<Sink>> files_;
    std::vector<UniqueFd> file_fds_;
    std::vector<std::unique_ptr<OutputStream>> streams_;  // rank r: 2r stdout, 2r + 1 stderr
    bool interactive_;  // a person types at rank 0: show its prompts
};

}  // namespace launch
