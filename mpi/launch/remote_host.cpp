#include "mpi/launch/remote_host.hpp"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "mpi/launch/options.hpp"
#include "mpi/launch/proxy.hpp"

namespace launch {

namespace {

constexpr std::size_t kMostComplaint = 4096;
/// What a remote shell says may be why its connection is about to break, and then belongs to that
/// message.
constexpr std::chrono::milliseconds kNoteDelay{200};

/// For the remote host's shell.
std::string quoted(const std::string& word) {
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + '\'';
}

/// The part of the child that may not allocate.
[[noreturn]] void execute(char* const* argv, const int (&streams)[3]) {
    for (int i = 0; i < 3; ++i) ::dup2(streams[i], i);
    // Without a terminal it cannot ask for a password, and gets none of the terminal's signals.
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    struct sigaction usual = {};
    usual.sa_handler = SIG_DFL;
    ::sigaction(SIGPIPE, &usual, nullptr);
    ::execvp(argv[0], argv);
    ::dprintf(STDERR_FILENO, "%s: %s\n", argv[0], std::strerror(errno));
    ::_exit(127);
}

/// What a person should read of it: the last line that says something.
std::string last_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
        text.pop_back();
    }
    const std::size_t start = text.rfind('\n');
    return start == std::string::npos ? text : text.substr(start + 1);
}

}  // namespace

RemoteHost::RemoteHost(EventLoop* loop, const HostTree& tree, const RemoteShell& shell,
                       HostEvents* events, OnFence on_fence)
    : loop_(loop), tree_(tree), shell_(shell), events_(events), on_fence_(std::move(on_fence)) {
    UniqueFd in, out;
    if (!spawn(shell, &in, &out)) {
        const std::string why =
            std::string("cannot start ") + shell.words.front() + ": " + std::strerror(errno);
        loop_->call_after(std::chrono::milliseconds(0), [this, why] { lose(why); });
        return;
    }
    link_ = std::make_unique<Link>(
        loop, std::move(in), std::move(out),
        [this](Frame type, Reader& fields) { on_frame(type, fields); },
        [this](const std::string& why, const std::string& noise) { on_closed(why, noise); });
    loop_->add(stderr_.get(), EPOLLIN, [this](std::uint32_t) { read_complaint(); });
    timer_ = loop_->call_after(std::chrono::seconds(shell.start_limit_s), [this] {
        lose("nothing was heard from it within " + std::to_string(shell_.start_limit_s) + " s" +
             (complaint_.empty() ? "" : " but: " + last_line(complaint_)));
    });
}

RemoteHost::~RemoteHost() {
    loop_->cancel(timer_);
    link_.reset();
    if (stderr_) loop_->remove(stderr_.get());
    if (pid_ < 0) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

bool RemoteHost::spawn(const RemoteShell& shell, UniqueFd* in, UniqueFd* out) {
    UniqueFd child_in, child_out, child_err;
    if (!make_pipe(&child_in, out) || !make_pipe(in, &child_out) ||
        !make_pipe(&stderr_, &child_err)) {
        return false;
    }
    make_nonblocking(stderr_);
    std::vector<std::string> words = shell.words;
    words.push_back(tree_.name);
    std::vector<std::string> command = {shell.proxy};
    if (shell.ask_machine) command.emplace_back(kAskMachine);
    if (shell.direct) {
        words.insert(words.end(), command.begin(), command.end());
    } else {
        std::string text = "exec";
        for (const std::string& word : command) text += ' ' + quoted(word);
        words.push_back(std::move(text));
    }
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) execute(argv.data(), {child_in.get(), child_out.get(), child_err.get()});
    return pid_ > 0;
}

// --- down ----------------------------------------------------------------------------------------

namespace {

void write_tree(Writer* writer, const HostTree& tree) {
    writer->number(tree.number).text(tree.name);
    writer->number(static_cast<std::int64_t>(tree.below.size()));
    for (const HostTree& below : tree.below) write_tree(writer, below);
}

bool contains(const HostTree& tree, int host) {
    return tree.number == host ||
           std::any_of(tree.below.begin(), tree.below.end(),
                       [host](const HostTree& below) { return contains(below, host); });
}

}  // namespace

void RemoteHost::greet() {
    Writer fields;
    write_tree(&fields, tree_);
    fields.number(static_cast<std::int64_t>(shell_.words.size()));
    for (const std::string& word : shell_.words) fields.text(word);
    fields.text(shell_.proxy).number(shell_.direct).number(shell_.start_limit_s);
    fields.number(shell_.ask_machine);
    link_->send(Frame::spread, fields);
}

void RemoteHost::start(const JobPlan& plan) {
    // Other hosts look for the programs themselves, where they would be from this directory.
    link_->send(Frame::job, Writer().plan(plan));
}

void RemoteHost::signal_all(int signal) {
    link_->send(Frame::signal, Writer().number(signal));
    if (signal == SIGTSTP) link_->be_patient();
}

void RemoteHost::input(int rank, std::string_view bytes) {
    link_->send(Frame::input, Writer().number(rank).text(bytes));
}

void RemoteHost::hold_output(bool hold) {
    link_->send(Frame::hold, Writer().number(hold));
}

void RemoteHost::close_output(int rank, bool is_stderr) {
    link_->send(Frame::close_output, Writer().number(rank).number(is_stderr));
}

void RemoteHost::join_fabric(const std::string& ways) {
    link_->send(Frame::join_fabric, Writer().text(ways));
}

void RemoteHost::tell_lost(int rank) {
    link_->send(Frame::rank_lost, Writer().number(rank));
}

void RemoteHost::invite(int rank, int from) {
    link_->send(Frame::invite, Writer().number(rank).number(from));
}

void RemoteHost::ask_states() {
    link_->send(Frame::ask_states);
}

void RemoteHost::release(const Values& values) {
    link_->send(Frame::release, Writer().values(values));
}

void RemoteHost::end() {
    if (!ending_ && ready_) pass_complaint_on();
    ending_ = true;
    if (open()) link_->send(Frame::end);
}

bool RemoteHost::holds(int host) const {
    return contains(tree_, host);
}

// --- up ------------------------------------------------------------------------------------------

void RemoteHost::on_frame(Frame type, Reader& fields) {
    if (type == Frame::hello) return on_hello(fields);
    switch (type) {
        case Frame::ready: {
            const int host = fields.integer(0, kMaxRanks);
            const Machine machine = fields.machine();
            if (fields.done()) events_->on_ready(host, machine);
            break;
        }
        case Frame::lost: {
            const int host = fields.integer(0, kMaxRanks);
            const int exit_status = fields.integer(1, 255);
            const std::string why(fields.text());
            if (fields.done()) events_->on_lost(host, exit_status, why);
            break;
        }
        case Frame::fabric: {
            const std::string ways(fields.text());
            if (fields.done()) events_->on_fabric(ways);
            break;
        }
        case Frame::note: {
            const std::string text(fields.text());
            if (fields.done()) events_->on_note(text);
            break;
        }
        case Frame::fence: {
            Values values = fields.values();
            if (fields.done()) on_fence_(std::move(values));
            break;
        }
        case Frame::state: {
            const RankState state = fields.state();
            if (fields.done()) events_->on_state(state);
            break;
        }
        case Frame::ended: ending_ = true; break;
        default:
            if (!on_rank_event(type, fields)) fields.refuse();  // not a frame for here
    }
}

bool RemoteHost::on_rank_event(Frame type, Reader& fields) {
    const int rank = fields.integer(0, kMaxRanks - 1);
    const bool has_number =
        type != Frame::waiting && type != Frame::absent && type != Frame::broken;
    const int number = has_number ? fields.integer(-1, 0x7fffffff) : 0;
    const bool has_text = type == Frame::start_failed || type == Frame::output ||
                          type == Frame::broken || type == Frame::way_lost;
    const std::string_view text = has_text ? fields.text() : std::string_view();
    if (!fields.done()) return true;
    switch (type) {
        case Frame::started: events_->on_started(rank, number); break;
        case Frame::start_failed: events_->on_start_failed(rank, number, std::string(text)); break;
        case Frame::exited: events_->on_exited(rank, number); break;
        case Frame::output: events_->on_output(rank, number != 0, text); break;
        case Frame::input_taken: events_->on_input_taken(rank, number != 0); break;
        case Frame::phase:
            if (number >= 0 && number <= static_cast<int>(PmiPhase::finalized)) {
                events_->on_phase(rank, static_cast<PmiPhase>(number));
            }
            break;
        case Frame::waiting: events_->on_waiting(rank); break;
        case Frame::absent: events_->on_absent(rank); break;
        case Frame::abort: events_->on_abort(rank, number); break;
        case Frame::way_lost: events_->on_rank_lost(rank, number, std::string(text)); break;
        case Frame::way_wanted: events_->on_invite(rank, number); break;
        case Frame::broken: events_->on_broken(rank, std::string(text)); break;
        default: return false;
    }
    return true;
}

void RemoteHost::on_hello(Reader& fields) {
    const std::string version(fields.text());
    if (fields.good() && version != proxy_version()) {
        return lose("it has Fathom " + version + " and this host has " + proxy_version() +
                    "; all hosts of a job need the same");
    }
    const Machine machine = fields.machine();
    if (!fields.done()) return;
    loop_->cancel(timer_);
    ready_ = true;
    greet();
    events_->on_ready(tree_.number, machine);
}

/// The remote shell speaks for itself, or for the shell of the other host.
void RemoteHost::read_complaint() {
    char bytes[4096];
    const ssize_t got = ::read(stderr_.get(), bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        loop_->remove(stderr_.get());
        stderr_.reset();
        return;
    }
    complaint_.append(bytes, static_cast<std::size_t>(got));
    if (complaint_.size() > kMostComplaint) {
        complaint_.erase(0, complaint_.size() - kMostComplaint);
    }
    if (!ready_ || ending_) return;  // it may be why nothing comes of it
    if (std::exchange(note_due_, true)) return;
    timer_ = loop_->call_after(kNoteDelay, [this] { pass_complaint_on(); });
}

void RemoteHost::pass_complaint_on() {
    note_due_ = false;
    for (std::size_t end = 0; (end = complaint_.find('\n')) != std::string::npos;) {
        // srun was asked not to bind the proxy, and a cluster that binds nothing mentions it.
        constexpr std::string_view kNoBinding = "lacks support for cpu binding";
        const std::string line = complaint_.substr(0, end);
        if (!line.ends_with(kNoBinding)) events_->on_note("host " + tree_.name + ": " + line);
        complaint_.erase(0, end + 1);
    }
}

void RemoteHost::on_closed(const std::string& why, const std::string& noise) {
    if (ending_) return;
    // What the remote shell said may still be in its pipe.
    if (stderr_) read_complaint();
    std::string said = last_line(complaint_);
    complaint_.clear();
    if (ready_) return lose(said.empty() ? why : why + ": " + said);
    if (said.empty()) said = last_line(noise);
    if (said.empty()) said = why;
    lose("its proxy did not start: " + said);
}

/// All hosts of the branch go with it.
void RemoteHost::lose(const std::string& why) {
    loop_->cancel(timer_);
    if (link_) link_->close();
    if (ending_) return;
    ending_ = true;
    events_->on_lost(tree_.number, 1, why);
}

}  // namespace launch
