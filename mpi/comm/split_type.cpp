// MPI_Comm_split_type (MPI-5.0 §7.4.2): communicators of the processes that share something.
#include <algorithm>
#include <string>
#include <vector>

#include "adi/base/hardware.hpp"
#include "mpi/comm/create.hpp"
#include "mpi/core/check.hpp"
#include "mpi/core/info.hpp"
#include "mpi/core/process.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {
namespace {

constexpr const char* kTypeKey = "mpi_hw_resource_type";
constexpr const char* kSetKey = "mpi_pset_name";
constexpr const char* kSharedMemory = "mpi_shared_memory";

/// What the processes tell each other. Two are together when host and part are the same.
struct Place {
    int split_type;
    int host;                     ///< the lowest rank whose memory can be shared
    int part;                     ///< what the call is about; -1: this process gets no communicator
    adi::HardwarePlace hardware;  ///< where the call does not say what it is about
};

int host_of(const Comm& comm) {
    int r = 0;
    while (!engine().mappable(comm.process(r))) ++r;
    return r;
}

/// The part of its host that a process is on: 0 for the host itself.
int part_named(const std::string& type) {
    if (type == kSharedMemory || type == "hwloc://Machine" || type == "Machine") return 0;
    const int found = adi::find_hardware_type(type);
    return found < 0 ? -1 : adi::hardware_place()[static_cast<std::size_t>(found)];
}

/// For the types that are guided by hints.
Status guided(int split_type, const Info* info, Place& place) {
    const std::string* type = info != nullptr ? info->find(kTypeKey) : nullptr;
    const std::string* set = info != nullptr ? info->find(kSetKey) : nullptr;
    if (split_type == MPI_COMM_TYPE_HW_GUIDED) set = nullptr;
    if (type != nullptr && set != nullptr) {
        return fail(Status::arg, "info has both %s and %s", kTypeKey, kSetKey);
    }
    if (type != nullptr) place.part = part_named(std::string(trimmed(*type)));
    if (set == nullptr) return Status::ok;
    const std::string_view name = trimmed(*set);
    if (name == "mpi://WORLD" || name == "mpi://SELF") place.part = 0;
    place.host = name == "mpi://SELF" ? -1 - world_rank() : -1;
    return Status::ok;
}

/// Chooses the coarsest part that tears the communicator apart: the hosts, if there are several,
/// else the first type of hardware of which not all are on the same. Gives its name.
const char* choose_part(std::vector<Place>& places) {
    const auto part_of = [&places] {
        bool apart = false, any = false;
        const Place* first = nullptr;
        for (const Place& place : places) {
            if (place.split_type == MPI_UNDEFINED) continue;
            if (first == nullptr) first = &place;
            apart = apart || place.part != first->part || place.host != first->host;
            any = any || place.part >= 0;
        }
        return apart && any;
    };
    for (Place& place : places) place.part = 0;
    if (part_of()) return kSharedMemory;
    for (std::size_t t = 0; t < adi::kHardwareTypes.size(); ++t) {
        for (Place& place : places) place.part = place.hardware[t];
        if (part_of()) return adi::kHardwareTypes[t];
    }
    for (Place& place : places) place.part = -1;
    return nullptr;
}

Status describe(const Comm& comm, int split_type, const Info* info, Place& place) {
    place = {split_type, host_of(comm), -1, {}};
    switch (split_type) {
        case MPI_COMM_TYPE_SHARED: place.part = 0; return Status::ok;
        case MPI_COMM_TYPE_HW_GUIDED:
        case MPI_COMM_TYPE_RESOURCE_GUIDED: return guided(split_type, info, place);
        case MPI_COMM_TYPE_HW_UNGUIDED: place.hardware = adi::hardware_place(); return Status::ok;
        case MPI_UNDEFINED: return Status::ok;
        default: return fail(Status::arg, "split_type is %d, which is no such type", split_type);
    }
}

/// All that do not say MPI_UNDEFINED say the same.
Status check_types(const std::vector<Place>& places, int& type) {
    type = MPI_UNDEFINED;
    for (const Place& place : places) {
        if (place.split_type == MPI_UNDEFINED) continue;
        if (type == MPI_UNDEFINED) type = place.split_type;
        if (type != place.split_type) {
            return fail(Status::arg, "split_type is %d on some processes and %d on others", type,
                        place.split_type);
        }
    }
    return Status::ok;
}

}  // namespace

Status comm_split_type(Comm& comm, int split_type, int key, Info* info, Comm*& newcomm) {
    if (Status s = check::intracommunicator("comm", comm); s != Status::ok) return s;
    return with_memory_for_comm([&] {
        Place mine;
        if (Status s = describe(comm, split_type, info, mine); s != Status::ok) return s;
        std::vector<Place> places(static_cast<std::size_t>(comm.size));
        Datatype& bytes = *find<Datatype>(MPI_BYTE);
        if (Status s =
                allgather(&mine, sizeof mine, bytes, places.data(), sizeof mine, bytes, comm);
            s != Status::ok) {
            return s;
        }
        int type = MPI_UNDEFINED;
        if (Status s = check_types(places, type); s != Status::ok) return s;
        const char* part = nullptr;
        if (type == MPI_COMM_TYPE_HW_UNGUIDED) part = choose_part(places);
        const Place& here = places[static_cast<std::size_t>(comm.rank)];
        int color = MPI_UNDEFINED;
        if (split_type != MPI_UNDEFINED && here.part >= 0) {
            const auto first = std::find_if(places.begin(), places.end(), [&](const Place& other) {
                return other.split_type == split_type && other.host == here.host &&
                       other.part == here.part;
            });
            color = static_cast<int>(first - places.begin());
        }
        if (Status s = comm_split(comm, color, key, newcomm); s != Status::ok) return s;
        if (newcomm != nullptr && part != nullptr && info != nullptr) info->set(kTypeKey, part);
        return Status::ok;
    });
}

}  // namespace mpi
