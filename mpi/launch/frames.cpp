#include "mpi/launch/frames.hpp"

#include <limits>

#include "mpi/launch/options.hpp"

namespace launch {

namespace {

void write_words(Writer* writer, const std::vector<std::string>& words) {
    writer->number(static_cast<std::int64_t>(words.size()));
    for (const std::string& word : words) writer->text(word);
}

}  // namespace

Writer& Writer::values(const Values& values) {
    number(static_cast<std::int64_t>(values.size()));
    for (const auto& [key, value] : values) text(key).text(value);
    return *this;
}

// Ranks that are not bound as runs of equals: a plan of many ranks is short.
Writer& Writer::plan(const JobPlan& plan) {
    text(plan.name).text(plan.secret).number(plan.stdin_target);
    number(plan.wants_fabric).number(plan.fabric_key);
    values(plan.fabric.values);
    write_words(this, plan.fabric.flags);
    number(static_cast<std::int64_t>(plan.programs.size()));
    for (const ProgramImage& program : plan.programs) {
        text(program.path).text(program.directory);
        write_words(this, program.argv);
        write_words(this, program.environment);
    }
    number(plan.size());
    for (int rank = 0; rank < plan.size();) {
        const RankPlan& first = plan.at(rank);
        int run = 0;
        do {
            ++rank, ++run;
        } while (rank < plan.size() && plan.at(rank).host == first.host && first.cpus.empty() &&
                 plan.at(rank).appnum == first.appnum && plan.at(rank).cpus.empty());
        number(run).number(first.host).number(first.appnum);
        number(static_cast<std::int64_t>(first.cpus.size()));
        for (const int cpu : first.cpus) number(cpu);
    }
    return *this;
}

Writer& Writer::state(const RankState& state) {
    return number(state.rank)
        .number(static_cast<std::int64_t>(state.phase))
        .number(state.waits)
        .number(state.looks)
        .number(state.since_ms)
        .number(state.unexpected)
        .number(state.posted)
        .text(state.call);
}

std::int64_t Reader::number(std::int64_t least, std::int64_t most) {
    constexpr std::size_t kBytes = 8;
    std::uint64_t value = 0;
    if (rest_.size() < kBytes) {
        refuse();
    } else {
        for (std::size_t i = 0; i < kBytes; ++i) {
            value |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << 8 * i;
        }
        rest_.remove_prefix(kBytes);
    }
    const auto number = static_cast<std::int64_t>(value);
    if (good_ && (number < least || number > most)) refuse();
    return good_ ? number : least;
}

std::string_view Reader::text() {
    const auto bytes =
        static_cast<std::size_t>(number(0, std::numeric_limits<std::int64_t>::max()));
    if (bytes > rest_.size()) refuse();
    if (!good_) return {};
    const std::string_view value = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return value;
}

std::size_t Reader::count(std::size_t each) {
    const std::int64_t most = static_cast<std::int64_t>(rest_.size() / each);
    const std::int64_t count = number(0, most);
    return good_ ? static_cast<std::size_t>(count) : 0;
}

Values Reader::values() {
    Values values(count(2 * sizeof(std::int64_t)));
    for (auto& [key, value] : values) {
        key = text();
        value = text();
    }
    return good_ ? values : Values{};
}

Writer& Writer::machine(const Machine& machine) {
    number(machine.available).number(static_cast<std::int64_t>(machine.cpus.size()));
    for (const Cpu& cpu : machine.cpus) {
        number(cpu.number);
        for (const int part : cpu.part) number(part);
    }
    return *this;
}

Machine Reader::machine() {
    Machine machine;
    machine.available = integer(1, kMostCpus);
    machine.cpus.resize(count((1 + kLevels) * sizeof(std::int64_t)));
    for (Cpu& cpu : machine.cpus) {
        cpu.number = integer(0, kMostCpus - 1);
        for (int& part : cpu.part) part = integer(0, kMostCpus - 1);
    }
    return good_ ? machine : Machine{};
}

RankState Reader::state() {
    constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();
    RankState state;
    state.rank = integer(0, kMaxRanks - 1);
    state.phase =
        static_cast<adi::BoardPhase>(integer(0, static_cast<int>(adi::BoardPhase::finalized)));
    state.waits = integer(0, 1) != 0;
    state.looks = integer(0, 1) != 0;
    state.since_ms = number(0, std::numeric_limits<std::int64_t>::max());
    state.unexpected = static_cast<std::uint32_t>(number(0, kMost));
    state.posted = static_cast<std::uint32_t>(number(0, kMost));
    state.call = text();
    return state;
}

JobPlan Reader::plan() {
    const auto words = [this] {
        std::vector<std::string> read(count(sizeof(std::int64_t)));
        for (std::string& word : read) word = text();
        return read;
    };
    JobPlan plan;
    plan.name = text();
    plan.secret = text();
    plan.stdin_target = integer(kStdinNone, kMaxRanks);
    plan.wants_fabric = integer(0, 1) != 0;
    plan.fabric_key =
        static_cast<std::uint32_t>(number(0, std::numeric_limits<std::uint32_t>::max()));
    plan.fabric.values = values();
    plan.fabric.flags = words();
    plan.programs.resize(count(4 * sizeof(std::int64_t)));
    for (ProgramImage& program : plan.programs) {
        program.path = text();
        program.directory = text();
        program.argv = words();
        program.environment = words();
        if (program.argv.empty()) refuse();
    }
    const int size = integer(1, kMaxRanks);
    while (good_ && plan.size() < size) {
        const int run = integer(1, size - plan.size());
        RankPlan rank;
        rank.host = integer(0, kMaxRanks);
        rank.appnum = integer(0, static_cast<int>(plan.programs.size()) - 1);
        rank.cpus.resize(count(sizeof(std::int64_t)));
        for (int& cpu : rank.cpus) cpu = integer(0, kMostCpus - 1);
        if (run > 1 && !rank.cpus.empty()) refuse();
        plan.ranks.insert(plan.ranks.end(), static_cast<std::size_t>(run), rank);
    }
    return good_ ? plan : JobPlan{};
}

}  // namespace launch
