#include "firmware/emulator/faults.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "adi/base/number.hpp"

namespace emulator {

namespace {

using adi::Result;
using adi::Status;

constexpr std::size_t kMaxText = 1U << 16;

/// "20us"; at most an hour, so that sums stay far from overflow.
std::optional<Time> duration(std::string_view word) {
    static constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
        {{"ms", 1e9}, {"us", 1e6}, {"ns", 1e3}, {"s", 1e12}}};
    for (const auto& [unit, ps] : kUnits) {
        if (!word.ends_with(unit)) continue;
        const auto value = adi::parse_number<double>(word.substr(0, word.size() - unit.size()));
        if (!value || !(*value >= 0) || *value * ps > 3600e12) return std::nullopt;
        return static_cast<Time>(std::llround(*value * ps));
    }
    return std::nullopt;
}

/// Cuts `word` at the first `mark`; the second part is empty without one.
std::pair<std::string_view, std::string_view> cut(std::string_view word, char mark) {
    const std::size_t at = word.find(mark);
    if (at == std::string_view::npos) return {word, {}};
    return {word.substr(0, at), word.substr(at + 1)};
}

double* rate_of(FaultPlan::Rates& rates, std::string_view key) {
    if (key == "drop") return &rates.drop;
    if (key == "corrupt") return &rates.corrupt;
    if (key == "duplicate") return &rates.duplicate;
    if (key == "reorder") return &rates.reorder;
    return nullptr;
}

/// Answers with what is wrong; empty: nothing.
std::string add_rate(FaultPlan& plan, std::string_view key, std::string_view value) {
    const auto [share, link] = cut(value, '@');
    const auto rate = adi::parse_number<double>(share);
    if (!rate || !(*rate >= 0) || *rate > 1) return "the share of packets is a number from 0 to 1";
    if (value.find('@') == std::string_view::npos) {
        *rate_of(plan.all, key) = *rate;
        return {};
    }
    if (link.empty()) return "a link's name is missing";
    auto place = std::find_if(plan.links.begin(), plan.links.end(),
                              [&](const FaultPlan::LinkRates& it) { return it.link == link; });
    if (place == plan.links.end())
        place = plan.links.insert(place, FaultPlan::LinkRates{std::string(link)});
    *rate_of(place->rates, key) = *rate;
    return {};
}

std::string add_scheduled(FaultPlan& plan, FaultPlan::Event event, std::string_view value) {
    auto [what, when] = cut(value, '@');
    FaultPlan::Scheduled fault;
    fault.event = event;
    if (event == FaultPlan::Event::slow) {
        const auto [board, delay] = cut(what, ':');
        const auto time = duration(delay);
        if (!time) return "expected BOARD:DELAY@TIME, with units s, ms, us or ns";
        fault.delay = *time;
        what = board;
    }
    if (what.empty()) return "what it happens to is missing";
    const auto [at, lasts] = cut(when, '+');
    const auto begin = duration(at);
    if (!begin) return "a time is missing after @: a number with s, ms, us or ns, at most 3600s";
    if (when.find('+') != std::string_view::npos) {
        const auto length = duration(lasts);
        if (!length || *length == 0) return "after + stands how long it lasts";
        if (event == FaultPlan::Event::reset) return "a reset does not last";
        fault.lasts = *length;
    }
    fault.what = what;
    fault.at = *begin;
    plan.scheduled.push_back(std::move(fault));
    return {};
}

std::string add_clause(FaultPlan& plan, std::string_view clause) {
    const auto [key, value] = cut(clause, '=');
    if (key == "seed") {
        const auto seed = adi::parse_number<std::uint64_t>(value);
        if (!seed) return "the seed is a number";
        plan.seed = *seed;
        return {};
    }
    if (rate_of(plan.all, key) != nullptr) return add_rate(plan, key, value);
    if (key == "down") return add_scheduled(plan, FaultPlan::Event::down, value);
    if (key == "remove") return add_scheduled(plan, FaultPlan::Event::remove, value);
    if (key == "reset") return add_scheduled(plan, FaultPlan::Event::reset, value);
    if (key == "slow") return add_scheduled(plan, FaultPlan::Event::slow, value);
    return "known are seed, drop, corrupt, duplicate, reorder, down, remove, reset, slow";
}

}  // namespace

bool FaultPlan::any_rate() const {
    return all.any() || std::any_of(links.begin(), links.end(),
                                    [](const LinkRates& link) { return link.rates.any(); });
}

Result<FaultPlan> parse_faults(std::string_view text) {
    if (text.size() > kMaxText)
        return Result<FaultPlan>(Status::bad_argument, "faults: longer than 64 KiB");
    FaultPlan plan;
    constexpr std::string_view kBetween = ", \t\n\r";
    for (std::size_t at = text.find_first_not_of(kBetween); at != std::string_view::npos;) {
        const std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
        const std::string_view clause = text.substr(at, end - at);
        const std::string wrong = add_clause(plan, clause);
        if (!wrong.empty()) {
            std::string shown;
            for (const char c : clause.substr(0, 80)) shown += c >= ' ' && c < 127 ? c : '?';
            return Result<FaultPlan>(Status::bad_argument, "fault '" + shown + "': " + wrong);
        }
        at = text.find_first_not_of(kBetween, end);
    }
    return plan;
}

}  // namespace emulator
