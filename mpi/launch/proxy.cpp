#include "mpi/launch/proxy.hpp"

#include <csignal>

#include "mpi/launch/options.hpp"

namespace launch {

namespace {

/// Deeper than any tree of a few dozen branches each.
constexpr int kMostDepth = 8;

HostTree read_tree(Reader* fields, int depth) {
    HostTree tree;
    tree.number = fields->integer(0, kMaxRanks);
    tree.name = fields->text();
    const int below = fields->integer(0, depth == 0 ? 0 : kMaxRanks);
    for (int i = 0; i < below && fields->good(); ++i) {
        tree.below.push_back(read_tree(fields, depth - 1));
    }
    return tree;
}

}  // namespace

std::string proxy_version() {
    return FATHOM_VERSION " (control protocol " + std::to_string(kControlProtocol) + ")";
}

Proxy::Proxy(UniqueFd in, UniqueFd out, const InheritedState& inherited)
    : up_(std::make_unique<Link>(
          &loop_, std::move(in), std::move(out),
          [this](Frame type, Reader& fields) { on_frame(type, fields); },
          [this](const std::string&, const std::string&) { loop_.stop(); })),
      fleet_(&loop_, inherited, this,
             [this](const Values& values) { up_->send(Frame::fence, Writer().values(values)); }) {}

int Proxy::run(bool with_machine) {
    up_->send(Frame::hello, Writer().text(proxy_version()).machine(this_machine(with_machine)));
    loop_.run();
    fleet_.finish();
    up_->send(Frame::ended);
    // What is still to be written goes before the end; mpirun may be gone, too.
    const auto deadline = EventLoop::Clock::now() + Link::kSilence;
    while (up_->open() && up_->unsent() && EventLoop::Clock::now() < deadline) {
        loop_.run_for(std::chrono::milliseconds(10));
    }
    return 0;
}

void Proxy::on_frame(Frame type, Reader& fields) {
    switch (type) {
        case Frame::spread: on_spread(fields); break;
        case Frame::job: on_job(fields); break;
        case Frame::input: {
            const int rank = fields.integer(0, kMaxRanks - 1);
            const std::string_view bytes = fields.text();
            if (fields.done()) fleet_.input(rank, bytes);
            break;
        }
        case Frame::release: {
            const Values values = fields.values();
            if (fields.done()) fleet_.release(values);
            break;
        }
        case Frame::signal: {
            const int signal = fields.integer(1, NSIG - 1);
            if (!fields.done()) break;
            fleet_.signal_all(signal);
            // mpirun is about to stop as well, and says nothing until it goes on.
            if (signal == SIGTSTP) up_->be_patient();
            break;
        }
        case Frame::hold: fleet_.hold_output(fields.integer(0, 1) != 0); break;
        case Frame::close_output: {
            const int rank = fields.integer(0, kMaxRanks - 1);
            fleet_.close_output(rank, fields.integer(0, 1) != 0);
            break;
        }
        case Frame::join_fabric: {
            const std::string ways(fields.text());
            if (fields.done()) fleet_.join_fabric(ways);
            break;
        }
        case Frame::rank_lost: {
            const int rank = fields.integer(0, kMaxRanks - 1);
            if (fields.done() && rank < plan_.size()) fleet_.tell_lost(rank);
            break;
        }
        case Frame::invite: {
            const int rank = fields.integer(0, kMaxRanks - 1);
            const int from = fields.integer(0, kMaxRanks - 1);
            if (fields.done()) fleet_.invite(rank, from);
            break;
        }
        case Frame::ask_states: fleet_.ask_states(); break;
        case Frame::end: loop_.stop(); break;
        default: fields.refuse(); break;  // no frame for here
    }
}

void Proxy::on_spread(Reader& fields) {
    const HostTree tree = read_tree(&fields, kMostDepth);
    RemoteShell shell;
    shell.words.resize(static_cast<std::size_t>(fields.integer(1, 1024)));
    for (std::string& word : shell.words) word = fields.text();
    shell.proxy = fields.text();
    shell.direct = fields.integer(0, 1) != 0;
    shell.start_limit_s = fields.integer(1, 0x7fffffff);
    shell.ask_machine = fields.integer(0, 1) != 0;
    if (!fields.done() || number_ >= 0) return;
    number_ = tree.number;
    fleet_.connect(tree.below, shell);
}

void Proxy::on_job(Reader& fields) {
    JobPlan plan = fields.plan();
    if (!fields.done() || plan_.size() > 0) return;
    plan_ = std::move(plan);
    fleet_.start(plan_, number_);
}

// --- up ------------------------------------------------------------------------------------------

void Proxy::on_ready(int host, const Machine& machine) {
    up_->send(Frame::ready, Writer().number(host).machine(machine));
}
void Proxy::on_fabric(const std::string& ways) {
    up_->send(Frame::fabric, Writer().text(ways));
}
void Proxy::on_lost(int host, int exit_status, const std::string& why) {
    up_->send(Frame::lost, Writer().number(host).number(exit_status).text(why));
}
void Proxy::on_note(const std::string& text) {
    up_->send(Frame::note, Writer().text(text));
}
void Proxy::on_started(int rank, pid_t pid) {
    up_->send(Frame::started, Writer().number(rank).number(pid));
}
void Proxy::on_start_failed(int rank, int exit_status, const std::string& why) {
    up_->send(Frame::start_failed, Writer().number(rank).number(exit_status).text(why));
}
void Proxy::on_exited(int rank, int status) {
    up_->send(Frame::exited, Writer().number(rank).number(status));
}
void Proxy::on_state(const RankState& state) {
    up_->send(Frame::state, Writer().state(state));
}
void Proxy::on_output(int rank, bool is_stderr, std::string_view bytes) {
    up_->send(Frame::output, Writer().number(rank).number(is_stderr).text(bytes));
}
void Proxy::on_input_taken(int rank, bool open) {
    up_->send(Frame::input_taken, Writer().number(rank).number(open));
}
void Proxy::on_phase(int rank, PmiPhase phase) {
    up_->send(Frame::phase, Writer().number(rank).number(static_cast<int>(phase)));
}
void Proxy::on_waiting(int rank) {
    up_->send(Frame::waiting, Writer().number(rank));
}
void Proxy::on_absent(int rank) {
    up_->send(Frame::absent, Writer().number(rank));
}
void Proxy::on_abort(int rank, int exitcode) {
    up_->send(Frame::abort, Writer().number(rank).number(exitcode));
}
void Proxy::on_rank_lost(int rank, int peer, const std::string& why) {
    up_->send(Frame::way_lost, Writer().number(rank).number(peer).text(why));
}
void Proxy::on_invite(int rank, int peer) {
    up_->send(Frame::way_wanted, Writer().number(rank).number(peer));
}
void Proxy::on_broken(int rank, const std::string& why) {
    up_->send(Frame::broken, Writer().number(rank).text(why));
}

}  // namespace launch
