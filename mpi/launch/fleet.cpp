#include "mpi/launch/fleet.hpp"

#include <algorithm>

namespace launch {

namespace {

constexpr std::chrono::seconds kEndLimit{5};
/// Remote shells that one process starts. Fewer would cost a rank's start another hop, more the
/// processor of the host that they start from.
constexpr std::size_t kFanOut = 32;

}  // namespace

Fleet::Fleet(EventLoop* loop, const InheritedState& inherited, HostEvents* events,
             Host::OnFence on_fence)
    : loop_(loop), inherited_(inherited), events_(events), on_fence_(std::move(on_fence)) {}

void Fleet::connect(const std::vector<HostTree>& trees, const RemoteShell& shell) {
    for (const HostTree& tree : trees) {
        const std::size_t index = remote_.size();
        remote_.push_back(std::make_unique<RemoteHost>(
            loop_, tree, shell, events_,
            [this, index](Values values) { on_fence(remote_[index].get(), std::move(values)); }));
    }
}

void Fleet::start(const JobPlan& plan, int own) {
    plan_ = &plan;
    own_ = own;
    std::vector<bool> used;
    for (const RankPlan& rank : plan.ranks) {
        used.resize(std::max(used.size(), static_cast<std::size_t>(rank.host) + 1));
        used[static_cast<std::size_t>(rank.host)] = true;
    }
    const auto has_ranks = [&](int host) {
        return host >= 0 && static_cast<std::size_t>(host) < used.size() &&
               used[static_cast<std::size_t>(host)];
    };
    for (const auto& remote : remote_) {
        bool any = false;
        for (int host = 0; host < static_cast<int>(used.size()); ++host) {
            any = any || (has_ranks(host) && remote->holds(host));
        }
        if (any) branches_.push_back({remote.get()});
    }
    if (has_ranks(own)) {
        local_ = std::make_unique<LocalHost>(
            loop_, own, inherited_, events_,
            [this](Values values) { on_fence(local_.get(), std::move(values)); });
        branches_.push_back({local_.get()});
    }
    for (const Branch& branch : branches_) branch.host->start(plan);
}

void Fleet::on_fence(const Host* host, Values values) {
    fence_values_.insert(fence_values_.end(), std::make_move_iterator(values.begin()),
                         std::make_move_iterator(values.end()));
    for (Branch& branch : branches_) {
        if (branch.host == host) branch.fenced = true;
    }
    if (std::all_of(branches_.begin(), branches_.end(), [](const Branch& b) { return b.fenced; })) {
        on_fence_(std::exchange(fence_values_, {}));
    }
}

void Fleet::release(const Values& values) {
    for (Branch& branch : branches_) branch.fenced = false;
    for (const Branch& branch : branches_) branch.host->release(values);
}

void Fleet::join_fabric(const std::string& ways) {
    for (const Branch& branch : branches_) branch.host->join_fabric(ways);
}

void Fleet::signal_all(int signal) {
    for (const Branch& branch : branches_) branch.host->signal_all(signal);
}

void Fleet::tell_lost(int rank) {
    for (const Branch& branch : branches_) branch.host->tell_lost(rank);
}

void Fleet::invite(int rank, int from) {
    if (Host* host = host_of(rank)) host->invite(rank, from);
}

void Fleet::ask_states() {
    for (const Branch& branch : branches_) branch.host->ask_states();
}

void Fleet::hold_output(bool hold) {
    for (const Branch& branch : branches_) branch.host->hold_output(hold);
}

Host* Fleet::host_of(int rank) {
    if (plan_ == nullptr || rank < 0 || rank >= plan_->size()) return nullptr;
    const int host = plan_->at(rank).host;
    if (host == own_) return local_.get();
    const auto found = std::find_if(remote_.begin(), remote_.end(),
                                    [host](const auto& remote) { return remote->holds(host); });
    return found == remote_.end() ? nullptr : found->get();
}

void Fleet::input(int rank, std::string_view bytes) {
    if (Host* host = host_of(rank)) host->input(rank, bytes);
}

void Fleet::close_output(int rank, bool is_stderr) {
    if (Host* host = host_of(rank)) host->close_output(rank, is_stderr);
}

int Fleet::finish() {
    hold_output(false);
    for (const auto& remote : remote_) remote->end();
    const int status = local_ ? local_->finish() : 0;
    const auto deadline = EventLoop::Clock::now() + kEndLimit;
    const auto any_open = [this] {
        return std::any_of(remote_.begin(), remote_.end(),
                           [](const auto& remote) { return remote->open(); });
    };
    while (any_open() && EventLoop::Clock::now() < deadline) {
        loop_->run_for(std::chrono::milliseconds(20));
    }
    remote_.clear();
    return status;
}

std::vector<HostTree> make_trees(const std::vector<std::string>& names, std::vector<int> hosts) {
    std::vector<HostTree> trees;
    if (hosts.empty()) return trees;
    const std::size_t parts = std::min(hosts.size(), kFanOut);
    for (std::size_t part = 0; part < parts; ++part) {
        const std::size_t first = hosts.size() * part / parts;
        const std::size_t last = hosts.size() * (part + 1) / parts;
        HostTree tree;
        tree.number = hosts[first];
        tree.name = names[static_cast<std::size_t>(tree.number)];
        tree.below = make_trees(names, {hosts.begin() + static_cast<std::ptrdiff_t>(first) + 1,
                                        hosts.begin() + static_cast<std::ptrdiff_t>(last)});
        trees.push_back(std::move(tree));
    }
    return trees;
}

}  // namespace launch
