#include "mpi/coll/select.hpp"

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "adi/base/number.hpp"

namespace mpi::coll::select {
namespace {

constexpr struct {
    std::string_view name;
    Bytes Limits::*limit;
} kNames[] = {
    {"bcast", &Limits::bcast},
    {"gather", &Limits::gather},
    {"gather_ranks", &Limits::gather_ranks},
    {"allgather", &Limits::allgather},
    {"allgather_block", &Limits::allgather_block},
    {"alltoall", &Limits::alltoall},
    {"reduce", &Limits::reduce},
    {"reduce_scatter", &Limits::reduce_scatter},
    {"reduce_scatter_step", &Limits::reduce_scatter_step},
    {"scan", &Limits::scan},
    {"scan_by_hosts", &Limits::scan_by_hosts},
    {"allgather_by_hosts", &Limits::allgather_by_hosts},
    {"alltoall_by_hosts", &Limits::alltoall_by_hosts},
    {"reduce_by_hosts", &Limits::reduce_by_hosts},
    {"pair_shared", &Limits::pair_shared},
    {"bcast_shared", &Limits::bcast_shared},
    {"reduce_shared", &Limits::reduce_shared},
    {"allgather_shared", &Limits::allgather_shared},
    {"allreduce_by_last", &Limits::allreduce_by_last},
    {"reduce_by_root", &Limits::reduce_by_root},
};
static_assert(sizeof kNames / sizeof *kNames == sizeof(Limits) / sizeof(Bytes));

/// "name=bytes".
bool set(std::string_view word) {
    const std::size_t sign = word.find('=');
    if (sign == word.npos) return false;
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    const auto bytes = adi::parse_number_within<std::int64_t>(word.substr(sign + 1), 0, kMost);
    for (const auto& [name, limit] : kNames) {
        if (name != word.substr(0, sign) || !bytes) continue;
        limits.*limit = static_cast<Bytes>(*bytes);
        return true;
    }
    return false;
}

}  // namespace

void read_limits() {
    const char* text = std::getenv("FATHOM_COLL_LIMITS");
    if (text == nullptr) return;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view word = rest.substr(0, rest.find(','));
        rest.remove_prefix(word.size() < rest.size() ? word.size() + 1 : word.size());
        if (word.empty() || set(word)) continue;
        std::fprintf(stderr,
                     "Fathom: FATHOM_COLL_LIMITS: %.*s ignored: no such limit, or no number\n",
                     static_cast<int>(word.size()), word.data());
    }
}

}  // namespace mpi::coll::select
