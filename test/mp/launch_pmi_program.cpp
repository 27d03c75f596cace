// A program that knows the bootstrap and nothing else of MPI: what mpirun's tests start, under our
// launcher and under others.
//
// usage: launch_pmi_program MODE [ARGUMENTS]
//   exchange               each rank puts a value, all check all values
//   fence_forever          as many fences as it takes to be killed
//   abort RANK CODE        RANK aborts the job after a fence, the others wait for ever
//   leave RANK             RANK exits with 0 after a fence, without finalize; the others fence
//   again late RANK CODE         RANK exits with CODE after finalize
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "adi/boot/boot.hpp"

namespace {

[[noreturn]] void die(const std::string& message) {
    std::fprintf(stderr, "launch_pmi_program: %s\n", message.c_str());
    std::exit(99);
}

void must(const adi::Result<bool>& result) {
    if (!result) die(result.message());
}

std::string key_of(int rank) {
    return "card-" + std::to_string(rank);
}
std::string value_of(int rank) {
    return "rank=" + std::to_string(rank) + ";" +
           std::string(900, static_cast<char>('a' + rank % 26));
}

void exchange(adi::Bootstrap& boot) {
    must(boot.put(key_of(boot.rank()), value_of(boot.rank())));
    must(boot.fence());
    for (int rank = 0; rank < boot.size(); ++rank) {
        auto value = boot.get(rank, key_of(rank));
        if (!value) die(value.message());
        if (*value != value_of(rank)) die("wrong value of " + key_of(rank));
    }
    if (boot.get(boot.size() - 1, "no-such-key")) die("a key that nobody put has a value");
    std::string local;
    for (const int rank : boot.local_ranks()) {
        if (!local.empty()) local += ',';
        local += std::to_string(rank);
    }
    auto appnum = boot.appnum();
    auto universe = boot.universe_size();
    if (!appnum || !universe) die("no appnum or universe size");
    std::printf("rank %d of %d appnum %d universe %d local %s\n", boot.rank(), boot.size(), *appnum,
                *universe, local.c_str());
}

int argument(char** argv, int index) {
    return argv[index] == nullptr ? 0 : std::atoi(argv[index]);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "exchange";
    std::string error;
    const std::unique_ptr<adi::Bootstrap> boot = adi::make_bootstrap(&error);
    if (boot == nullptr) die(error);
    const bool chosen = argc > 2 && boot->rank() == argument(argv, 2);
    must(boot->fence());
    if (mode == "exchange") {
        exchange(*boot);
    } else if (mode == "fence_forever") {
        while (true) must(boot->fence());
    } else if (mode == "abort") {
        if (!chosen) ::pause();
        boot->abort(argument(argv, 3), "this is the reason");
        ::pause();
    } else if (mode == "leave") {
        if (chosen) return 0;
        must(boot->fence());
    } else if (mode != "late") {
        die("unknown mode " + mode);
    }
    must(boot->finalize());
    return mode == "late" && chosen ? argument(argv, 3) : 0;
}
