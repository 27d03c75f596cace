#include "mpi/topo/topology.hpp"

#include <utility>

namespace mpi::topo {

int Cart::size() const {
    int size = 1;
    for (const int extent : dims) size *= extent;
    return size;
}

std::vector<int> Cart::coords_of(int rank) const {
    std::vector<int> coords(dims.size());
    for (std::size_t d = dims.size(); d-- > 0;) {
        coords[d] = rank % dims[d];
        rank /= dims[d];
    }
    return coords;
}

int Cart::rank_at(const std::vector<int>& coords) const {
    int rank = 0;
    for (std::size_t d = 0; d < dims.size(); ++d) rank = rank * dims[d] + coords[d];
    return rank;
}

int Cart::shifted(int rank, int dimension, long long steps) const {
    const auto d = static_cast<std::size_t>(dimension);
    std::vector<int> coords = coords_of(rank);
    const long long extent = dims[d], to = coords[d] + steps;
    if (periods[d] == 0 && (to < 0 || to >= extent)) return MPI_PROC_NULL;
    coords[d] = static_cast<int>((to % extent + extent) % extent);
    return rank_at(coords);
}

Topology::Topology(Cart cart, int rank) {
    for (int d = 0; d < cart.ndims(); ++d) {
        for (const int step : {-1, 1}) neighbors_.sources.push_back(cart.shifted(rank, d, step));
    }
    neighbors_.destinations = neighbors_.sources;
    shape_ = std::move(cart);
}

Topology::Topology(Graph graph, int rank) {
    const auto r = static_cast<std::size_t>(rank);
    const int first = r == 0 ? 0 : graph.index[r - 1];
    neighbors_.sources.assign(graph.edges.begin() + first, graph.edges.begin() + graph.index[r]);
    neighbors_.destinations = neighbors_.sources;
    shape_ = std::move(graph);
}

Topology::Topology(DistGraph graph, Neighbors neighbors)
    : shape_(std::move(graph)), neighbors_(std::move(neighbors)) {}

const Neighbors* neighbors_of(const Comm& comm) {
    if (comm.topology != nullptr) return &comm.topology->neighbors();
    static_cast<void>(fail(Status::topology, "the communicator has no topology"));
    return nullptr;
}

}  // namespace mpi::topo
