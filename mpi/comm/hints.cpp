// Hints of communicators (MPI-5.0 §7.4.4): assertions of the program, which are kept and given
// back; nothing here is faster by them.
#include <iterator>
#include <new>

#include "mpi/comm/create.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/info.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

/// Bit i of Comm::hints says that the i-th is true.
constexpr const char* kAssertions[] = {
    "mpi_assert_no_any_tag",       "mpi_assert_no_any_source",         "mpi_assert_exact_length",
    "mpi_assert_allow_overtaking", "mpi_assert_strict_start_ordering",
};

}  // namespace

// Keys and values that mean nothing are ignored.
std::uint8_t merged_hints(std::uint8_t old, const Info* info) {
    unsigned hints = old;
    for (std::size_t i = 0; info != nullptr && i < std::size(kAssertions); ++i) {
        const std::string* value = info->find(kAssertions[i]);
        if (value == nullptr) continue;
        const unsigned bit = 1U << i;
        hints = hint_is_true(*value, (hints & bit) != 0) ? hints | bit : hints & ~bit;
    }
    return static_cast<std::uint8_t>(hints);
}

Status comm_set_info(Comm& comm, const Info* info) {
    comm.hints = merged_hints(comm.hints, info);
    return Status::ok;
}

Status comm_get_info(Comm& comm, Info*& info_used) {
    info_used = make_info({});
    if (info_used == nullptr) return fail(Status::no_mem, "no memory for an info object");
    try {
        for (std::size_t i = 0; i < std::size(kAssertions); ++i) {
            info_used->set(kAssertions[i], (comm.hints >> i & 1) != 0 ? "true" : "false");
        }
        info_used->set("mpi_memory_alloc_kinds", "mpi,system");
    } catch (const std::bad_alloc&) {
        table<Info>().destroy(info_used);
        info_used = nullptr;
        return fail(Status::no_mem, "no memory for an info object");
    }
    return Status::ok;
}

}  // namespace mpi
