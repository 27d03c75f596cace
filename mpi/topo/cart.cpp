// Grids (MPI-5.0 §8.5.1, §8.5.5 to §8.5.7), and which topology a communicator has.
#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "adi/base/hardware.hpp"
#include "mpi/comm/create.hpp"
#include "mpi/core/check.hpp"
#include "mpi/core/process.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/topo/reorder.hpp"
#include "mpi/topo/topology.hpp"

namespace mpi {

using topo::Cart;
using topo::Topology;

namespace {

/// The grid of a communicator; null, with the error recorded, when it has none.
const Cart* cart_of(const Comm& comm) {
    const Cart* cart = comm.topology != nullptr ? comm.topology->cart() : nullptr;
    if (cart == nullptr) {
        static_cast<void>(fail(Status::topology, "the communicator has no Cartesian topology"));
    }
    return cart;
}

Status check_room(const char* name, int have, int need) {
    if (have >= need) return Status::ok;
    return fail(Status::arg, "%s is %d, but the grid has %d dimensions", name, have, need);
}

/// The grid that the arguments describe; it has no more places than the communicator processes.
Status describe(const Comm& comm, int ndims, const int* dims, const int* periods, Cart& cart) {
    if (Status s = check::intracommunicator("the communicator", comm); s != Status::ok) return s;
    long long places = 1;
    for (int d = 0; d < ndims; ++d) {
        if (dims[d] <= 0) {
            return fail(Status::dims, "dims[%d] is %d, must be at least 1", d, dims[d]);
        }
        places *= dims[d];
        if (places > comm.size) {
            return fail(Status::dims,
                        "the grid has more places than the communicator's %d processes", comm.size);
        }
        cart.dims.push_back(dims[d]);
        cart.periods.push_back(periods[d] != 0 ? 1 : 0);
    }
    return Status::ok;
}

constexpr std::size_t kNumaNode = 2;
static_assert(std::string_view(adi::kHardwareTypes[kNumaNode]) == "NUMANode");

/// Where the processes run; collective, unless all are on one host.
Status find_localities(Comm& comm, std::vector<topo::Locality>& localities) {
    localities.assign(static_cast<std::size_t>(comm.size), {});
    int first = comm.size, near = 0;  // of the ranks on this host
    for (int r = comm.size; r-- > 0;) {
        if (!engine().mappable(comm.process(r))) continue;
        first = r;
        ++near;
    }
    if (near == comm.size) return Status::ok;
    const topo::Locality mine{first, adi::hardware_place()[kNumaNode]};
    Datatype& type = *find<Datatype>(MPI_INT);
    return allgather(&mine, 2, type, localities.data(), 2, type, comm);
}

/// This process's rank in the grid; at least the grid's size when it is not in it.
Status place_in(const Cart& cart, bool reorder, Comm& comm, int& place) {
    place = comm.rank;
    if (!reorder) return Status::ok;
    std::vector<topo::Locality> localities;
    if (Status s = find_localities(comm, localities); s != Status::ok) return s;
    place = arrange(cart, localities)[static_cast<std::size_t>(comm.rank)];
    return Status::ok;
}

/// Splits `comm` and gives this process's part, if it has one, the grid.
Status make_grid(Comm& comm, int color, int key, Cart cart, Comm*& newcomm) {
    if (Status s = comm_split(comm, color, key, newcomm); s != Status::ok) return s;
    if (newcomm != nullptr) {
        newcomm->topology = std::make_shared<const Topology>(std::move(cart), newcomm->rank);
    }
    return Status::ok;
}

}  // namespace

Status topo_test(Comm& comm, int& status) {
    status = comm.topology == nullptr            ? MPI_UNDEFINED
             : comm.topology->cart() != nullptr  ? MPI_CART
             : comm.topology->graph() != nullptr ? MPI_GRAPH
                                                 : MPI_DIST_GRAPH;
    return Status::ok;
}

Status cart_create(Comm& comm_old, int ndims, const int* dims, const int* periods, int reorder,
                   Comm*& comm_cart) {
    return with_memory_for_comm([&] {
        Cart cart;
        if (Status s = describe(comm_old, ndims, dims, periods, cart); s != Status::ok) return s;
        int place = 0;
        if (Status s = place_in(cart, reorder != 0, comm_old, place); s != Status::ok) return s;
        const int color = place < cart.size() ? 0 : MPI_UNDEFINED;
        return make_grid(comm_old, color, place, std::move(cart), comm_cart);
    });
}

Status cart_map(Comm& comm, int ndims, const int* dims, const int* periods, int& newrank) {
    return with_memory_for_comm([&] {
        Cart cart;
        if (Status s = describe(comm, ndims, dims, periods, cart); s != Status::ok) return s;
        int place = 0;
        if (Status s = place_in(cart, true, comm, place); s != Status::ok) return s;
        newrank = place < cart.size() ? place : MPI_UNDEFINED;
        return Status::ok;
    });
}

Status cart_sub(Comm& comm, const int* remain_dims, Comm*& newcomm) {
    const Cart* cart = cart_of(comm);
    if (cart == nullptr) return Status::topology;
    if (Status s = check::array("remain_dims", remain_dims, cart->ndims()); s != Status::ok) {
        return s;
    }
    return with_memory_for_comm([&] {
        const std::vector<int> coords = cart->coords_of(comm.rank);
        Cart kept, dropped;
        std::vector<int> in_kept, in_dropped;
        for (std::size_t d = 0; d < coords.size(); ++d) {
            const bool keep = remain_dims[d] != 0;
            Cart& part = keep ? kept : dropped;
            part.dims.push_back(cart->dims[d]);
            part.periods.push_back(cart->periods[d]);
            (keep ? in_kept : in_dropped).push_back(coords[d]);
        }
        const int color = dropped.rank_at(in_dropped), key = kept.rank_at(in_kept);
        return make_grid(comm, color, key, std::move(kept), newcomm);
    });
}

Status cartdim_get(Comm& comm, int& ndims) {
    const Cart* cart = cart_of(comm);
    if (cart == nullptr) return Status::topology;
    ndims = cart->ndims();
    return Status::ok;
}

Status cart_get(Comm& comm, int maxdims, int* dims, int* periods, int* coords) {
    const Cart* cart = cart_of(comm);
    if (cart == nullptr) return Status::topology;
    if (Status s = check_room("maxdims", maxdims, cart->ndims()); s != Status::ok) return s;
    std::copy(cart->dims.begin(), cart->dims.end(), dims);
    std::copy(cart->periods.begin(), cart->periods.end(), periods);
    return cart_coords(comm, comm.rank, maxdims, coords);
}

Status cart_coords(Comm& comm, int rank, int maxdims, int* coords) {
    const Cart* cart = cart_of(comm);
    if (cart == nullptr) return Status::topology;
    if (Status s = check_room("maxdims", maxdims, cart->ndims()); s != Status::ok) return s;
    return with_memory_for_comm([&] {
        const std::vector<int> found = cart->coords_of(rank);
        std::copy(found.begin(), found.end(), coords);
        return Status::ok;
    });
}

Status cart_rank(Comm& comm, const int* coords, int& rank) {
    const Cart* cart = cart_of(comm);
    if (cart == nullptr) return Status::topology;
    if (Status s = check::array("coords", coords, cart->ndims()); s != Status::ok) return s;
    return with_memory_for_comm([&] {
        std::vector<int> place;
        for (std::size_t d = 0; d < cart->dims.size(); ++d) {
            const int extent = cart->dims[d];
            if (cart->periods[d] == 0 && (coords[d] < 0 || coords[d] >= extent)) {
                return fail(Status::arg, "coords[%zu] is %d, must be 0 to %d", d, coords[d],
                            extent - 1);
            }
            place.push_back((coords[d] % extent + extent) % extent);
        }
        rank = cart->rank_at(place);
        return Status::ok;
    });
}

Status cart_shift(Comm& comm, int direction, int disp, int& rank_source, int& rank_dest) {
    const Cart* cart = cart_of(comm);
    if (cart == nullptr) return Status::topology;
    if (direction < 0 || direction >= cart->ndims()) {
        return fail(Status::arg, "direction is %d, but the grid has %d dimensions", direction,
                    cart->ndims());
    }
    return with_memory_for_comm([&] {
        rank_source = cart->shifted(comm.rank, direction, -static_cast<long long>(disp));
        rank_dest = cart->shifted(comm.rank, direction, disp);
        return Status::ok;
    });
}

}  // namespace mpi
