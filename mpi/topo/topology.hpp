// Virtual topologies (MPI-5.0 §8): what a communicator knows of the neighbourhood of its ranks.
//
// A topology hangs on Comm::topology, is immutable, and is shared by the communicator's duplicates.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "mpi/core/comm.hpp"
#include "mpi/core/error.hpp"

namespace mpi::topo {

/// A grid; the last dimension varies fastest with the rank. Without dimensions: one process.
struct Cart {
    std::vector<int> dims;
    std::vector<char> periods;  ///< 1: the dimension is a ring

    int ndims() const { return static_cast<int>(dims.size()); }
    /// The number of processes.
    int size() const;
    std::vector<int> coords_of(int rank) const;
    /// The rank at coordinates that are in range.
    int rank_at(const std::vector<int>& coords) const;
    /// The rank `steps` away from `rank` along a dimension, MPI_PROC_NULL beyond a border.
    int shifted(int rank, int dimension, long long steps) const;
};

/// Every process knows all edges: those of rank r are edges[index[r - 1]] … edges[index[r] - 1].
struct Graph {
    std::vector<int> index;
    std::vector<int> edges;
};

/// Every process knows its own edges, which Neighbors has; these are their weights.
struct DistGraph {
    bool weighted = false;
    std::vector<int> source_weights;  ///< one per source, empty when not weighted
    std::vector<int> destination_weights;
};

/// Whom this process receives from and sends to in neighbourhood collectives, in the order of the
/// buffers' blocks (MPI-5.0 §8.6). A rank may be there more than once, and be this process.
///
/// Grid: per dimension the negative and then the positive direction, MPI_PROC_NULL at a border; the
/// two lists are the same. On rings of one or two processes both directions lead to one process:
/// block i that a process sends arrives as its neighbour's block i ^ 1, not in order.
/// Graphs: as MPI_Graph_neighbors and MPI_Dist_graph_neighbors give them; of several edges between
/// two processes, the n-th that the one sends along is the n-th that the other one receives along.
struct Neighbors {
    std::vector<int> sources;
    std::vector<int> destinations;
};

class Topology {
  public:
    /// Of `rank` in a grid.
    Topology(Cart cart, int rank);
    /// Of `rank` in a graph.
    Topology(Graph graph, int rank);
    Topology(DistGraph graph, Neighbors neighbors);

    const Neighbors& neighbors() const { return neighbors_; }
    int indegree() const { return static_cast<int>(neighbors_.sources.size()); }
    int outdegree() const { return static_cast<int>(neighbors_.destinations.size()); }
    /// Null when the topology is another one.
    const Cart* cart() const { return std::get_if<Cart>(&shape_); }
    const Graph* graph() const { return std::get_if<Graph>(&shape_); }
    const DistGraph* dist_graph() const { return std::get_if<DistGraph>(&shape_); }

  private:
    std::variant<Cart, Graph, DistGraph> shape_;
    Neighbors neighbors_;
};

/// The neighbours of this process; null, with MPI_ERR_TOPOLOGY recorded, when the communicator has
/// no topology.
const Neighbors* neighbors_of(const Comm& comm);

}  // namespace mpi::topo
