// All sinks and streams of a job: which rank's output goes where.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mpi/launch/event_loop.hpp"
#include "mpi/launch/options.hpp"
#include "mpi/launch/output.hpp"
#include "mpi/launch/plan.hpp"
#include "mpi/launch/unique_fd.hpp"

namespace launch {

class Outputs {
  public:
    /// What the job does about its outputs' readers.
    struct Hooks {
        /// While `hold`, more is not wanted: a reader is slow.
        std::function<void(bool hold)> hold;
        /// Nobody reads this stream any more.
        std::function<void(int rank, bool is_stderr)> unread;
    };

    Outputs(EventLoop* loop, const Options& options, Hooks hooks);
    ~Outputs();

    /// Opens files where the options ask for them; `plan` says which rank is on which of `hosts`.
    /// False and a sentence in `error` when a file cannot be opened.
    bool open(const JobPlan& plan, const std::vector<std::string>& hosts, std::string* error);

    /// What a rank wrote.
    void feed(int rank, bool is_stderr, std::string_view bytes);

    /// The rank has ended: shows an unfinished line. Its descendants may go on writing.
    void rank_ended(int rank);

    /// The job has ended: shows what is left of unfinished lines.
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
    std::vector<Sink*> sinks_of(bool is_stderr, int rank, int appnum, const std::string& host,
                                std::string* error);
    void follow_sinks();
    bool congested() const;
    void show_prompts();

    EventLoop* loop_;
    const Options& options_;
    Hooks hooks_;
    bool held_ = false;
    std::unique_ptr<Sink> out_;
    std::unique_ptr<Sink> own_err_;  // empty when stdout and stderr are the same file
    Sink* err_;                      // own_err_ or out_
    std::map<std::string, std::unique_ptr<Sink>> files_;
    std::vector<UniqueFd> file_fds_;
    std::vector<std::unique_ptr<OutputStream>> streams_;  // rank r: 2r stdout, 2r + 1 stderr
    std::vector<bool> unread_;                            // told
    bool interactive_;  // a person types at rank 0: show its prompts
};

}  // namespace launch
