#include "firmware/emulator/network.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "firmware/emulator/fabric.hpp"
#include "firmware/emulator/remote_end.hpp"

namespace emulator {

namespace {

using adi::Result;
using adi::Status;

class NetworkOf final : public Network {
  public:
    NetworkOf(const Topology& topology, const Machine& machine, Scheduler& scheduler,
              NetworkOptions options)
        : topology_(topology),
          fabric_(machine, scheduler, std::move(options)),
          on_(topology.switches.size(), true) {}

    /// What is wrong; empty: nothing.
    std::string build();

    Cable& attach(std::uint32_t board, Connector& connector) override {
        endpoints_[board % endpoints_.size()]->connector = &connector;
        return *endpoints_[board % endpoints_.size()];
    }
    void start() override;
    bool poll() override;

    NetworkCounters counters() const override;
    const Topology& topology() const override { return topology_; }

    bool set_link(const LinkEnd& end, bool up) override;
    bool set_switch(std::uint32_t index, bool on) override;
    bool reset_switch(std::uint32_t index) override;
    bool set_slow(std::uint32_t board, Time delay) override;
    std::uint16_t listening_port(const LinkEnd& end) const override;

  private:
    struct Line {
        LinkEnd a;
        LinkEnd b;
        std::unique_ptr<RemoteEnd> far;  // instead of b
        Channel* to_b = nullptr;
        Channel* to_a = nullptr;
        bool up = true;
    };

    FaultPlan::Rates rates(const Topology::Link& link) const;
    Feeder& sink(const LinkEnd& end);
    void plug(const LinkEnd& end, Channel& out, Channel& in);
    void refresh(Line& line);
    void tell(const LinkEnd& end, bool up);
    Line* find(const LinkEnd& end);
    std::string check(const FaultPlan::Scheduled& fault) const;
    std::optional<std::uint32_t> switch_named(std::string_view name) const;
    void happen(const FaultPlan::Scheduled& fault, bool begins);

    Topology topology_;
    Fabric fabric_;
    std::array<Endpoint*, 256> endpoints_{};
    std::vector<Line> lines_;
    std::vector<bool> on_;  // by switch
};

std::string NetworkOf::build() {
    for (const Topology::Switch& it : topology_.switches) fabric_.add_switch(it.ports);
    // Ids that the topology does not have stand for boards that nothing is plugged into.
    for (std::uint32_t id = 0; id < endpoints_.size(); ++id)
        endpoints_[id] = &fabric_.add_endpoint(id);
    for (const FaultPlan::LinkRates& it : fabric_.options().faults.links) {
        const auto end = topology_.find_end(it.link);
        if (!end || topology_.link_at(*end) == nullptr)
            return "faults: there is no link at '" + it.link + "'";
    }
    for (const FaultPlan::Scheduled& fault : fabric_.options().faults.scheduled)
        if (const std::string wrong = check(fault); !wrong.empty()) return "faults: " + wrong;
    for (const Topology::Link& link : topology_.links) {
        Line line{link.a, link.b, nullptr, nullptr, nullptr, true};
        const FaultPlan::Rates share = rates(link);
        if (link.far != Topology::Far::here) {
            auto far = RemoteEnd::open(fabric_, link);
            if (!far) return topology_.name(link.a) + ": " + far.message();
            line.far = std::move(*far);
            line.b = line.a;
        }
        line.to_b = &fabric_.add_channel(line.far ? line.far->outlet : sink(link.b), share);
        line.to_a = &fabric_.add_channel(sink(link.a), share);
        plug(link.a, *line.to_b, *line.to_a);
        if (line.far) {
            line.far->plug(*line.to_b, *line.to_a);
        } else {
            plug(link.b, *line.to_a, *line.to_b);
        }
        lines_.push_back(std::move(line));
    }
    return {};
}

FaultPlan::Rates NetworkOf::rates(const Topology::Link& link) const {
    const FaultPlan& plan = fabric_.options().faults;
    FaultPlan::Rates result = plan.all;
    for (const FaultPlan::LinkRates& it : plan.links) {
        if (topology_.link_at(*topology_.find_end(it.link)) != &link) continue;
        if (it.rates.drop >= 0) result.drop = it.rates.drop;
        if (it.rates.corrupt >= 0) result.corrupt = it.rates.corrupt;
        if (it.rates.duplicate >= 0) result.duplicate = it.rates.duplicate;
        if (it.rates.reorder >= 0) result.reorder = it.rates.reorder;
    }
    return result;
}

Feeder& NetworkOf::sink(const LinkEnd& end) {
    return end.is_board ? endpoints_[end.index]->inbox : fabric_.port(end.index, end.port);
}

void NetworkOf::plug(const LinkEnd& end, Channel& out, Channel& in) {
    if (!end.is_board) return fabric_.set_out(end.index, end.port, out);
    Endpoint& endpoint = *endpoints_[end.index];
    endpoint.out = &out;
    endpoint.in = &in;
    endpoint.source.fixed = &out;
}

std::optional<std::uint32_t> NetworkOf::switch_named(std::string_view name) const {
    for (std::uint32_t i = 0; i < topology_.switches.size(); ++i)
        if (topology_.switches[i].name == name) return i;
    return std::nullopt;
}

std::string NetworkOf::check(const FaultPlan::Scheduled& fault) const {
    using Event = FaultPlan::Event;
    const auto end = topology_.find_end(fault.what);
    if (fault.event == Event::down && (!end || topology_.link_at(*end) == nullptr))
        return "there is no link at '" + fault.what + "'";
    if (fault.event == Event::slow && (!end || !end->is_board))
        return "there is no board '" + fault.what + "'";
    if ((fault.event == Event::remove || fault.event == Event::reset) && !switch_named(fault.what))
        return "there is no switch '" + fault.what + "'";
    return {};
}

void NetworkOf::start() {
    Scheduler& scheduler = fabric_.scheduler();
    for (const FaultPlan::Scheduled& fault : fabric_.options().faults.scheduled) {
        scheduler.timer(scheduler.now() + fault.at, [this, &fault] { happen(fault, true); });
        if (fault.lasts > 0)
            scheduler.timer(scheduler.now() + fault.at + fault.lasts,
                            [this, &fault] { happen(fault, false); });
    }
}

void NetworkOf::happen(const FaultPlan::Scheduled& fault, bool begins) {
    using Event = FaultPlan::Event;
    FaultCounters& counters = fabric_.counters().faults;
    switch (fault.event) {
        case Event::down:
            set_link(*topology_.find_end(fault.what), !begins);
            counters.links_down += begins ? 1 : 0;
            break;
        case Event::remove:
            set_switch(*switch_named(fault.what), !begins);
            counters.switches_removed += begins ? 1 : 0;
            break;
        case Event::reset:
            reset_switch(*switch_named(fault.what));
            ++counters.switches_reset;
            break;
        case Event::slow:
            set_slow(topology_.find_end(fault.what)->index, begins ? fault.delay : 0);
            break;
    }
}

NetworkOf::Line* NetworkOf::find(const LinkEnd& end) {
    for (Line& line : lines_)
        if (line.a == end || line.b == end) return &line;
    return nullptr;
}

void NetworkOf::tell(const LinkEnd& end, bool up) {
    if (end.is_board && endpoints_[end.index]->connector != nullptr)
        endpoints_[end.index]->connector->link_changed(up);
}

/// Brings the channels to what the link and the switches at its ends say.
void NetworkOf::refresh(Line& line) {
    const auto powered = [&](const LinkEnd& end) { return end.is_board || on_[end.index]; };
    const bool up =
        line.up && powered(line.a) && powered(line.b) && (!line.far || line.far->joined());
    if (line.to_a->up == up) return;
    fabric_.set_up(*line.to_a, up);
    fabric_.set_up(*line.to_b, up);
    tell(line.a, up);
    if (!line.far) tell(line.b, up);
}

bool NetworkOf::poll() {
    bool any = false;
    for (Line& line : lines_) {
        if (!line.far || !line.far->news()) continue;
        line.far->poll([&] { refresh(line); });
        any = true;
    }
    if (any) fabric_.run();
    return any;
}

NetworkCounters NetworkOf::counters() const {
    NetworkCounters counters = fabric_.counters();
    counters.in_flight = fabric_.in_flight();
    for (const Line& line : lines_) {
        if (!line.far) continue;
        counters.strangers += line.far->link().strangers();
        counters.bad_frames += line.far->link().bad_frames();
    }
    return counters;
}

std::uint16_t NetworkOf::listening_port(const LinkEnd& end) const {
    for (const Line& line : lines_)
        if (line.far && line.a == end) return line.far->link().port();
    return 0;
}

bool NetworkOf::set_link(const LinkEnd& end, bool up) {
    Line* line = find(end);
    if (line == nullptr) return false;
    line->up = up;
    refresh(*line);
    fabric_.run();
    return true;
}

bool NetworkOf::set_switch(std::uint32_t index, bool on) {
    if (index >= on_.size()) return false;
    on_[index] = on;
    if (!on) reset_switch(index);
    for (Line& line : lines_) refresh(line);
    fabric_.run();
    return true;
}

bool NetworkOf::reset_switch(std::uint32_t index) {
    if (index >= on_.size()) return false;
    for (const auto& port : fabric_.ports(index)) fabric_.purge_feeder(*port);
    fabric_.run();
    return true;
}

bool NetworkOf::set_slow(std::uint32_t board, Time delay) {
    if (board >= endpoints_.size()) return false;
    endpoints_[board]->slow = std::max<Time>(delay, 0);
    return true;
}

}  // namespace

Result<std::unique_ptr<Network>> Network::make(const Topology& topology, const Machine& machine,
                                               Scheduler& scheduler, NetworkOptions options) {
    auto network = std::make_unique<NetworkOf>(topology, machine, scheduler, std::move(options));
    if (const std::string wrong = network->build(); !wrong.empty())
        return Result<std::unique_ptr<Network>>(Status::bad_argument, wrong);
    return std::unique_ptr<Network>(std::move(network));
}

}  // namespace emulator
