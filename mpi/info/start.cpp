// How this process was started: MPI_INFO_ENV and MPI_Info_create_env (MPI-5.0 §11.2.1). Keys whose
// values cannot be known are absent.
#include <limits.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>
#include <string>

#include "adi/base/host.hpp"
#include "adi/base/number.hpp"
#include "mpi/core/info.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

/// Bound from the start: MPI_INFO_ENV is a valid handle at any time.
Info& start_info() {
    static constinit Info info;
    return info;
}

[[maybe_unused]] const bool bound = [] {
    table<Info>().predefine(0x131, &start_info());
    return true;
}();

/// Processes of the job; 0 before MPI has started.
int job_size = 0;

/// The same at any time: before the start as the launcher says it; without one the process is
/// alone.
int known_size() {
    if (job_size != 0) return job_size;
    const char* text = std::getenv("PMI_SIZE");
    return adi::parse_number<int>(text != nullptr ? text : "1").value_or(0);
}

void add(Info& info, std::string_view key, std::string_view value) {
    if (!value.empty()) info.set(key, value.substr(0, MPI_MAX_INFO_VAL - 1));
}

/// The words of a command after the first, separated by blanks.
void add_command(Info& info, const std::vector<std::string>& words) {
    if (words.empty()) return;
    add(info, "command", words[0]);
    std::string rest;
    for (std::size_t i = 1; i < words.size(); ++i) rest += (i > 1 ? " " : "") + words[i];
    add(info, "argv", rest);
}

void add_surroundings(Info& info) {
    if (const int size = known_size(); size > 0) add(info, "maxprocs", std::to_string(size));
    add(info, "host", adi::host_name());
    utsname names{};
    if (uname(&names) == 0) add(info, "arch", names.machine);
    std::array<char, PATH_MAX> path{};
    if (getcwd(path.data(), path.size()) != nullptr) add(info, "wdir", path.data());
}

/// This process's own words, as the system knows them.
std::vector<std::string> own_words() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    std::vector<std::string> words;
    for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
    return words;
}

}  // namespace

void describe_start(int processes) {
    job_size = processes;
    Info& info = start_info();
    info.entries.clear();
    add_command(info, own_words());
    add_surroundings(info);
}

Status info_create_env(int argc, char** argv, Info*& info) {
    info = make_info({});
    if (info == nullptr) return fail(Status::no_mem, "no memory for an info object");
    try {
        std::vector<std::string> words;
        if (argc > 0 && argv != nullptr) {
            for (int i = 0; i < argc && argv[i] != nullptr; ++i) words.emplace_back(argv[i]);
        } else {
            words = own_words();
        }
        add_command(*info, words);
        add_surroundings(*info);
    } catch (const std::bad_alloc&) {
        table<Info>().destroy(info);
        info = nullptr;
        return fail(Status::no_mem, "no memory for an info object");
    }
    return Status::ok;
}

}  // namespace mpi
