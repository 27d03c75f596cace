#include <array>

#include "firmware/papers/images.hpp"
#include "messages.hpp"

namespace fm_bench {

std::span<const System> systems() {
    static const std::array kSystems = {
        System{"fm1", "sparc20", firmware::kFm1Program, true, open_fm1},
        System{"fm2", "fm2", firmware::kFm2Program, true, open_fm2},
        System{"mpifm", "fm2", firmware::kFm2Program, true, open_mpi_fm},
        System{"bip", "bip", firmware::kBipProgram, false, open_bip},
    };
    return kSystems;
}

const System* find_system(std::string_view name) {
    for (const System& system : systems())
        if (name == system.name) return &system;
    return nullptr;
}

}  // namespace fm_bench
