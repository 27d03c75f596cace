// Graphs that all processes know (MPI-5.0 §8.5.3, §8.5.5).
#include <algorithm>
#include <utility>
#include <vector>

#include "mpi/comm/create.hpp"
#include "mpi/core/check.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/topo/topology.hpp"

namespace mpi {

using topo::Graph;
using topo::Topology;

namespace {

/// The graph of a communicator; null, with the error recorded, when it has none.
const Graph* graph_of(const Comm& comm) {
    const Graph* graph = comm.topology != nullptr ? comm.topology->graph() : nullptr;
    if (graph == nullptr) {
        static_cast<void>(fail(Status::topology, "the communicator has no graph topology"));
    }
    return graph;
}

/// The neighbours of a rank.
std::pair<const int*, const int*> edges_of(const Graph& graph, int rank) {
    const auto r = static_cast<std::size_t>(rank);
    const int first = r == 0 ? 0 : graph.index[r - 1];
    return {graph.edges.data() + first, graph.edges.data() + graph.index[r]};
}

Status check_graph(const Comm& comm, int nnodes, const int* indx, const int* edges) {
    if (Status s = check::intracommunicator("the communicator", comm); s != Status::ok) return s;
    if (nnodes > comm.size) {
        return fail(Status::arg, "nnodes is %d, but the communicator has %d processes", nnodes,
                    comm.size);
    }
    for (int i = 0; i < nnodes; ++i) {
        const int previous = i == 0 ? 0 : indx[i - 1];
        if (indx[i] < previous) {
            return fail(Status::arg, "indx[%d] is %d, must be at least %d", i, indx[i], previous);
        }
    }
    const int nedges = nnodes == 0 ? 0 : indx[nnodes - 1];
    if (Status s = check::array("edges", edges, nedges); s != Status::ok) return s;
    for (int i = 0; i < nedges; ++i) {
        if (edges[i] < 0 || edges[i] >= nnodes) {
            return fail(Status::arg, "edges[%d] is %d, must be 0 to %d", i, edges[i], nnodes - 1);
        }
    }
    return Status::ok;
}

}  // namespace

/// Ranks stay as they are, whatever `reorder` says.
Status graph_create(Comm& comm_old, int nnodes, const int* indx, const int* edges, int,
                    Comm*& comm_graph) {
    if (Status s = check_graph(comm_old, nnodes, indx, edges); s != Status::ok) return s;
    return with_memory_for_comm([&] {
        const int color = comm_old.rank < nnodes ? 0 : MPI_UNDEFINED;
        if (Status s = comm_split(comm_old, color, 0, comm_graph); s != Status::ok) return s;
        if (comm_graph == nullptr) return Status::ok;
        Graph graph{{indx, indx + nnodes}, {edges, edges + indx[nnodes - 1]}};
        comm_graph->topology = std::make_shared<const Topology>(std::move(graph), comm_graph->rank);
        return Status::ok;
    });
}

Status graph_map(Comm& comm, int nnodes, const int* indx, const int* edges, int& newrank) {
    if (Status s = check_graph(comm, nnodes, indx, edges); s != Status::ok) return s;
    newrank = comm.rank < nnodes ? comm.rank : MPI_UNDEFINED;
    return Status::ok;
}

Status graphdims_get(Comm& comm, int& nnodes, int& nedges) {
    const Graph* graph = graph_of(comm);
    if (graph == nullptr) return Status::topology;
    nnodes = static_cast<int>(graph->index.size());
    nedges = static_cast<int>(graph->edges.size());
    return Status::ok;
}

Status graph_get(Comm& comm, int maxindex, int maxedges, int* indx, int* edges) {
    const Graph* graph = graph_of(comm);
    if (graph == nullptr) return Status::topology;
    const auto nodes = static_cast<int>(graph->index.size());
    const auto edge_count = static_cast<int>(graph->edges.size());
    if (maxindex < nodes || maxedges < edge_count) {
        return fail(Status::arg,
                    "maxindex is %d and maxedges %d, but the graph has %d nodes and %d edges",
                    maxindex, maxedges, nodes, edge_count);
    }
    if (Status s = check::array("indx", indx, nodes); s != Status::ok) return s;
    if (Status s = check::array("edges", edges, edge_count); s != Status::ok) return s;
    std::copy(graph->index.begin(), graph->index.end(), indx);
    std::copy(graph->edges.begin(), graph->edges.end(), edges);
    return Status::ok;
}

Status graph_neighbors_count(Comm& comm, int rank, int& nneighbors) {
    const Graph* graph = graph_of(comm);
    if (graph == nullptr) return Status::topology;
    const auto [first, last] = edges_of(*graph, rank);
    nneighbors = static_cast<int>(last - first);
    return Status::ok;
}

Status graph_neighbors(Comm& comm, int rank, int maxneighbors, int* neighbors) {
    const Graph* graph = graph_of(comm);
    if (graph == nullptr) return Status::topology;
    const auto [first, last] = edges_of(*graph, rank);
    if (maxneighbors < last - first) {
        return fail(Status::arg, "maxneighbors is %d, but rank %d has %d neighbours", maxneighbors,
                    rank, static_cast<int>(last - first));
    }
    std::copy(first, last, neighbors);
    return Status::ok;
}

}  // namespace mpi
