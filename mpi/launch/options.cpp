#include "mpi/launch/options.hpp"

#include <getopt.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "mpi/launch/option_actions.hpp"
#include "mpi/launch/option_table.hpp"

namespace launch {

namespace {

constexpr int kMaxConfigDepth = 8;

/// Cuts command lines into options and programs; what they do is the actions' part.
class Parser {
  public:
    explicit Parser(OptionActions::Lookup lookup) : actions_(lookup) {
        for (const OptionWord& word : option_words()) {
            long_options_.push_back({word.name,
                                     word.arguments == 0 ? no_argument : required_argument, nullptr,
                                     kFirstIndex + static_cast<int>(long_options_.size())});
        }
        long_options_.push_back({nullptr, 0, nullptr, 0});
    }

    Options parse(const std::vector<std::string>& words) {
        parse_all(words, 0);
        return actions_.settle();
    }

  private:
    static constexpr int kFirstIndex = 1000;  // beyond any character that getopt returns

    // Cuts `words` at each ":" and parses the parts.
    void parse_all(const std::vector<std::string>& words, int depth) {
        if (depth > kMaxConfigDepth) mistake("-configfile files name each other in a circle");
        auto begin = words.begin();
        while (true) {
            const auto end = std::find(begin, words.end(), ":");
            const bool only_part = begin == words.begin() && end == words.end();
            parse_program({begin, end}, depth, only_part);
            if (end == words.end()) return;
            begin = end + 1;
        }
    }

    // Options and one program. `may_be_empty`: options alone are fine so far.
    void parse_program(std::vector<std::string> words, int depth, bool may_be_empty) {
        Program program;
        std::string name = "mpirun";
        std::vector<char*> argv = {name.data()};
        for (std::string& word : words) argv.push_back(word.data());
        const int argc = static_cast<int>(argv.size());
        argv.push_back(nullptr);
        const std::size_t programs_before = actions_.programs();
        ::optind = 0;  // makes getopt forget the previous command line
        ::opterr = 0;
        while (true) {
            const int code =
                ::getopt_long_only(argc, argv.data(), "+:", long_options_.data(), nullptr);
            if (code == -1) break;
            if (code == '?' || code == ':') {
                complain(argv[static_cast<std::size_t>(::optind - 1)], code == ':', &program);
                continue;
            }
            const OptionWord& word = option_words()[static_cast<std::size_t>(code - kFirstIndex)];
            const std::string first = word.arguments > 0 ? ::optarg : "";
            std::string second;
            // -genv and -env also take NAME=VALUE as one word.
            const bool joined =
                word.action == Action::set_for_all || word.action == Action::set_for_one
                    ? first.find('=') != std::string::npos
                    : false;
            if (word.arguments == 2 && !joined) {
                if (::optind >= argc) mistake(std::string("-") + word.name + " takes two words");
                second = argv[static_cast<std::size_t>(::optind++)];
            }
            const int saved_optind = ::optind;
            if (word.action == Action::config_file) {
                parse_config_file(first, depth + 1);
            } else {
                actions_.apply(word, first, second, &program);
            }
            // A configuration file was parsed by getopt too; take up this command line again.
            if (word.action == Action::config_file) resume(argc, argv, saved_optind);
        }
        program.argv.assign(argv.begin() + ::optind, argv.begin() + argc);
        if (program.argv.empty()) {
            const bool from_file = actions_.programs() > programs_before;
            if (from_file || may_be_empty) return;
            mistake("a \":\" stands without a program on each side");
        }
        if (program.argv.front().empty()) mistake("the program's name is empty");
        actions_.add_program(std::move(program));
    }

    void resume(int argc, std::vector<char*>& argv, int at) {
        ::optind = 0;
        // One call on an empty command line makes getopt start anew; it keeps to optind afterwards.
        char* empty[] = {argv[0], nullptr};
        (void)::getopt_long_only(1, empty, "+:", long_options_.data(), nullptr);
        ::optind = std::min(at, argc);
    }

    void complain(const std::string& word, bool lacks_argument, Program* program) {
        const std::size_t start = word.find_first_not_of('-');
        const std::string name = start == std::string::npos ? "" : word.substr(start);
        if (lacks_argument) mistake(word + " takes an argument");
        // -n4, as compilers have it.
        const std::size_t digits = name.find_first_of("0123456789");
        if (digits != std::string::npos &&
            (name.substr(0, digits) == "n" || name.substr(0, digits) == "np")) {
            program->processes = parse_count(word, name.substr(digits));
            return;
        }
        const std::string plain = name.substr(0, name.find('='));
        for (const OptionWord& known : option_words()) {
            if (plain == known.name) mistake("-" + plain + " takes no argument");
        }
        const std::string nearest = nearest_option(plain);
        mistake("unknown option " + word +
                (nearest.empty() ? "; try mpirun --help" : "; did you mean -" + nearest + "?"));
    }

    void parse_config_file(const std::string& path, int depth) {
        std::ifstream file(path);
        if (!file) mistake("cannot read the file " + path + ": " + std::strerror(errno));
        std::vector<std::string> words;
        std::string line;
        for (int number = 1; std::getline(file, line); ++number) {
            std::vector<std::string> part;
            if (!split_words(line, &part)) {
                mistake(path + ", line " + std::to_string(number) + ": a quote is left open");
            }
            if (part.empty()) continue;
            if (!words.empty() && words.back() != ":" && part.front() != ":") {
                words.emplace_back(":");
            }
            words.insert(words.end(), part.begin(), part.end());
        }
        if (words.empty()) mistake("the file " + path + " names no program");
        if (words.back() == ":") words.pop_back();
        parse_all(words, depth);
    }

    OptionActions actions_;
    std::vector<option> long_options_;
};

}  // namespace

int Options::total_processes() const {
    long total = 0;
    for (const Program& program : programs) total += program.processes.value_or(1);
    return static_cast<int>(std::min<long>(total, kMaxRanks + 1));
}

bool Options::wants_fabric() const {
    return std::find(devices.begin(), devices.end(), "fm") != devices.end();
}

ParsedCommandLine parse_options(const std::vector<std::string>& words,
                                const char* (*lookup)(const char* name)) {
    try {
        Parser parser(lookup);
        return {std::nullopt, "", parser.parse(words)};
    } catch (const Stop& stop) {
        const bool wrong = stop.status != 0;
        return {stop.status, wrong ? "mpirun: " + stop.text + "\n" : stop.text, {}};
    }
}

}  // namespace launch
