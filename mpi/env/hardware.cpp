// MPI_Get_hw_resource_info (MPI-5.0 §9.1.3).
#include "adi/base/hardware.hpp"

#include <new>
#include <string>
#include <vector>

#include "mpi/core/info.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

/// A key for each type of part that the host has, the names of MPI_Comm_split_type: "true" when the
/// process may run on one such part only.
Status get_hw_resource_info(Info*& hw_info) {
    try {
        std::vector<Info::Entry> entries;
        const adi::HardwarePlace place = adi::hardware_place();
        for (std::size_t t = 0; t < place.size(); ++t) {
            if (place[t] == adi::kNoPart) continue;
            entries.push_back({std::string("hwloc://") + adi::kHardwareTypes[t],
                               place[t] >= 0 ? "true" : "false"});
        }
        hw_info = make_info(entries);
    } catch (const std::bad_alloc&) {
    }
    return hw_info != nullptr ? Status::ok : fail(Status::no_mem, "no memory for an info object");
}

}  // namespace mpi
