// Graphs of which each process knows its own edges (MPI-5.0 §8.5.4, §8.5.5). Ranks stay as they
// are, whatever `reorder` says.
#include <algorithm>
#include <utility>
#include <vector>

#include "mpi/comm/create.hpp"
#include "mpi/core/check.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/topo/topology.hpp"

namespace mpi {

using topo::DistGraph;
using topo::Neighbors;
using topo::Topology;

namespace {

/// The graph of a communicator; null, with the error recorded, when it has none.
const DistGraph* dist_graph_of(const Comm& comm) {
    const DistGraph* graph = comm.topology != nullptr ? comm.topology->dist_graph() : nullptr;
    if (graph == nullptr) {
        static_cast<void>(
            fail(Status::topology, "the communicator has no distributed graph topology"));
    }
    return graph;
}

Status check_ranks(const char* name, const int* ranks, int n, const Comm& comm) {
    if (Status s = check::array(name, ranks, n); s != Status::ok) return s;
    for (int i = 0; i < n; ++i) {
        if (check::in_range(ranks[i], comm)) continue;
        return fail(Status::rank, "%s[%d] is %d, must be 0 to %d", name, i, ranks[i],
                    comm.size - 1);
    }
    return Status::ok;
}

/// Weights of `n` edges, which are not MPI_UNWEIGHTED.
Status check_weights(const char* name, const int* weights, int n) {
    if (n == 0) return Status::ok;
    if (weights == MPI_WEIGHTS_EMPTY) {
        return fail(Status::arg, "%s is MPI_WEIGHTS_EMPTY, but there are %d edges", name, n);
    }
    if (Status s = check::array(name, weights, n); s != Status::ok) return s;
    return check::not_negative(Status::arg, name, IntArray(weights), n);
}

/// Duplicates the communicator without what hangs on it, and gives it the graph.
Status make_graph(Comm& parent, DistGraph graph, Neighbors neighbors, Comm*& newcomm) {
    auto topology = std::make_shared<const Topology>(std::move(graph), std::move(neighbors));
    retain(parent.group);
    if (Status s = make_from(parent, {parent.group}, newcomm); s != Status::ok) return s;
    newcomm->topology = std::move(topology);
    return Status::ok;
}

/// An edge on its way from the process that named it to one of its two ends.
struct Edge {
    int end;    ///< the process it goes to
    int other;  ///< its other end
    int weight;
    int comes_in;  ///< 1: `other` is the source
};

/// Gives every process the edges that end there, in order of the processes that named them.
Status deliver(std::vector<Edge> edges, Comm& comm, std::vector<Edge>& mine) {
    std::stable_sort(edges.begin(), edges.end(),
                     [](const Edge& a, const Edge& b) { return a.end < b.end; });
    const auto size = static_cast<std::size_t>(comm.size);
    constexpr int kInts = sizeof(Edge) / sizeof(int);
    std::vector<int> out(size), in(size), out_at(size), in_at(size);
    for (const Edge& edge : edges) out[static_cast<std::size_t>(edge.end)] += kInts;
    Datatype& type = *find<Datatype>(MPI_INT);
    if (Status s = alltoall(out.data(), 1, type, in.data(), 1, type, comm); s != Status::ok) {
        return s;
    }
    for (std::size_t r = 1; r < size; ++r) {
        out_at[r] = out_at[r - 1] + out[r - 1];
        in_at[r] = in_at[r - 1] + in[r - 1];
    }
    mine.resize(static_cast<std::size_t>(in_at.back() + in.back()) / kInts);
    return alltoallv(edges.data(), IntArray(out.data()), IntArray(out_at.data()), type, mine.data(),
                     IntArray(in.data()), IntArray(in_at.data()), type, comm);
}

/// Whether the graph is weighted: all processes that name edges must agree. An answer of both
/// (bits 0 and 1 clear) is an error on all.
Status agree_on_weights(bool weighted, bool has_edges, Comm& comm, bool& all) {
    std::uint64_t word = !has_edges ? 3U : weighted ? 1U : 2U;
    if (Status s = CommExchange(comm).combine({&word, 1}); s != Status::ok) return s;
    if (word == 0) {
        return fail(Status::arg, "MPI_UNWEIGHTED was given by some processes, and not by others");
    }
    all = word == 1 || (word == 3 && weighted);
    return Status::ok;
}

}  // namespace

Status dist_graph_create_adjacent(Comm& comm_old, int indegree, const int* sources,
                                  const int* sourceweights, int outdegree, const int* destinations,
                                  const int* destweights, const Info*, int,
                                  Comm*& comm_dist_graph) {
    if (Status s = check::intracommunicator("comm_old", comm_old); s != Status::ok) return s;
    if (Status s = check_ranks("sources", sources, indegree, comm_old); s != Status::ok) return s;
    if (Status s = check_ranks("destinations", destinations, outdegree, comm_old);
        s != Status::ok) {
        return s;
    }
    const bool weighted = sourceweights != MPI_UNWEIGHTED;
    if (weighted != (destweights != MPI_UNWEIGHTED)) {
        return fail(Status::arg, "one of sourceweights and destweights is MPI_UNWEIGHTED");
    }
    if (weighted) {
        if (Status s = check_weights("sourceweights", sourceweights, indegree); s != Status::ok) {
            return s;
        }
        if (Status s = check_weights("destweights", destweights, outdegree); s != Status::ok) {
            return s;
        }
    }
    return with_memory_for_comm([&] {
        DistGraph graph;
        graph.weighted = weighted;
        if (weighted && indegree > 0) {
            graph.source_weights.assign(sourceweights, sourceweights + indegree);
        }
        if (weighted && outdegree > 0) {
            graph.destination_weights.assign(destweights, destweights + outdegree);
        }
        Neighbors neighbors;
        if (indegree > 0) neighbors.sources.assign(sources, sources + indegree);
        if (outdegree > 0) neighbors.destinations.assign(destinations, destinations + outdegree);
        return make_graph(comm_old, std::move(graph), std::move(neighbors), comm_dist_graph);
    });
}

Status dist_graph_create(Comm& comm_old, int n, const int* sources, const int* degrees,
                         const int* destinations, const int* weights, const Info*, int,
                         Comm*& comm_dist_graph) {
    if (Status s = check::intracommunicator("comm_old", comm_old); s != Status::ok) return s;
    if (Status s = check_ranks("sources", sources, n, comm_old); s != Status::ok) return s;
    if (Status s = check::not_negative(Status::arg, "degrees", IntArray(degrees), n);
        s != Status::ok) {
        return s;
    }
    int named = 0;
    for (int i = 0; i < n; ++i) named += degrees[i];
    if (Status s = check_ranks("destinations", destinations, named, comm_old); s != Status::ok) {
        return s;
    }
    const bool weighted = weights != MPI_UNWEIGHTED;
    if (weighted) {
        if (Status s = check_weights("weights", weights, named); s != Status::ok) return s;
    }
    return with_memory_for_comm([&] {
        DistGraph graph;
        if (Status s = agree_on_weights(weighted, named > 0, comm_old, graph.weighted);
            s != Status::ok) {
            return s;
        }
        std::vector<Edge> edges, mine;
        for (int i = 0, e = 0; i < n; ++i) {
            for (int k = 0; k < degrees[i]; ++k, ++e) {
                const int weight = weighted ? weights[e] : 0;
                edges.push_back({sources[i], destinations[e], weight, 0});
                edges.push_back({destinations[e], sources[i], weight, 1});
            }
        }
        if (Status s = deliver(std::move(edges), comm_old, mine); s != Status::ok) return s;
        Neighbors neighbors;
        for (const Edge& edge : mine) {
            const bool in = edge.comes_in != 0;
            (in ? neighbors.sources : neighbors.destinations).push_back(edge.other);
            if (!graph.weighted) continue;
            (in ? graph.source_weights : graph.destination_weights).push_back(edge.weight);
        }
        return make_graph(comm_old, std::move(graph), std::move(neighbors), comm_dist_graph);
    });
}

Status dist_graph_neighbors_count(Comm& comm, int& indegree, int& outdegree, int& weighted) {
    const DistGraph* graph = dist_graph_of(comm);
    if (graph == nullptr) return Status::topology;
    indegree = comm.topology->indegree();
    outdegree = comm.topology->outdegree();
    weighted = graph->weighted ? 1 : 0;
    return Status::ok;
}

namespace {

/// The first `most` edges of one direction, and their weights where there are some and the user
/// wants them.
Status give(const std::vector<int>& ranks, const std::vector<int>& weights, int most,
            const char* ranks_name, int* ranks_out, const char* weights_name, int* weights_out) {
    const int n = std::min(most, static_cast<int>(ranks.size()));
    if (Status s = check::array(ranks_name, ranks_out, n); s != Status::ok) return s;
    std::copy_n(ranks.begin(), n, ranks_out);
    if (weights.empty() || weights_out == MPI_UNWEIGHTED) return Status::ok;
    if (Status s = check::array(weights_name, weights_out, n); s != Status::ok) return s;
    if (weights_out != MPI_WEIGHTS_EMPTY) std::copy_n(weights.begin(), n, weights_out);
    return Status::ok;
}

}  // namespace

Status dist_graph_neighbors(Comm& comm, int maxindegree, int* sources, int* sourceweights,
                            int maxoutdegree, int* destinations, int* destweights) {
    const DistGraph* graph = dist_graph_of(comm);
    if (graph == nullptr) return Status::topology;
    const Neighbors& neighbors = comm.topology->neighbors();
    if (Status s = give(neighbors.sources, graph->source_weights, maxindegree, "sources", sources,
                        "sourceweights", sourceweights);
        s != Status::ok) {
        return s;
    }
    return give(neighbors.destinations, graph->destination_weights, maxoutdegree, "destinations",
                destinations, "destweights", destweights);
}

}  // namespace mpi
