// Distributed graphs: edges named by their ends, or by anybody; weights; the errors.
#include <algorithm>
#include <utility>

#include "test/conformance/errors.hpp"

namespace {

using mpitest::to_int;
using Ints = std::vector<int>;

struct Edges {
    Ints sources, source_weights, destinations, destination_weights;
};

class DistGraph : public errors::ErrorTest {};

// What the communicator says; weights only if it has some.
Edges edges_of(MPI_Comm graph, bool expect_weights) {
    int in = -1, out = -1, weighted = -1;
    EXPECT_MPI_OK(MPI_Dist_graph_neighbors_count(graph, &in, &out, &weighted));
    EXPECT_EQ(weighted != 0, expect_weights);
    Edges e{Ints(static_cast<std::size_t>(in)), Ints(static_cast<std::size_t>(in), -1),
            Ints(static_cast<std::size_t>(out)), Ints(static_cast<std::size_t>(out), -1)};
    EXPECT_MPI_OK(MPI_Dist_graph_neighbors(graph, in, e.sources.data(), e.source_weights.data(),
                                           out, e.destinations.data(),
                                           e.destination_weights.data()));
    return e;
}

// Pairs of neighbour and weight, sorted: Dist_graph_create leaves the order open.
std::vector<std::pair<int, int>> sorted(const Ints& ranks, const Ints& weights) {
    std::vector<std::pair<int, int>> pairs;
    for (std::size_t i = 0; i < ranks.size(); ++i) pairs.emplace_back(ranks[i], weights[i]);
    std::sort(pairs.begin(), pairs.end());
    return pairs;
}

TEST_F(DistGraph, AdjacentComesBackInOrder) {
    // From and to the next one twice, and itself.
    const Ints in{previous(), rank(), previous()}, out{next(), next(), rank()};
    const Ints in_weights{1, 2, 0}, out_weights{1, 0, 2};
    for (const bool weighted : {true, false}) {
        MPI_Comm graph = MPI_COMM_NULL, copy = MPI_COMM_NULL;
        MPI_OK(MPI_Dist_graph_create_adjacent(
            comm(), 3, in.data(), weighted ? in_weights.data() : MPI_UNWEIGHTED, 3, out.data(),
            weighted ? out_weights.data() : MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &graph));
        MPI_OK(MPI_Comm_dup(graph, &copy));
        MPI_OK(MPI_Comm_free(&graph));
        int kind = -1;
        MPI_OK(MPI_Topo_test(copy, &kind));
        EXPECT_EQ(kind, MPI_DIST_GRAPH);
        const Edges found = edges_of(copy, weighted);
        EXPECT_EQ(found.sources, in);
        EXPECT_EQ(found.destinations, out);
        if (weighted) {
            EXPECT_EQ(found.source_weights, in_weights);
            EXPECT_EQ(found.destination_weights, out_weights);
        }
        MPI_OK(MPI_Comm_free(&copy));
    }
}

TEST_F(DistGraph, FirstOnesAndNoWeights) {
    const Ints in{0, rank(), 0}, weights{7, 8, 9};
    MPI_Comm graph = MPI_COMM_NULL;
    MPI_OK(MPI_Dist_graph_create_adjacent(comm(), 3, in.data(), weights.data(), 0, nullptr,
                                          MPI_WEIGHTS_EMPTY, MPI_INFO_NULL, 1, &graph));
    Ints found(3, -5), found_weights(3, -5);
    MPI_OK(MPI_Dist_graph_neighbors(graph, 2, found.data(), found_weights.data(), 0, nullptr,
                                    MPI_UNWEIGHTED));
    EXPECT_EQ(found, (Ints{0, rank(), -5}));
    EXPECT_EQ(found_weights, (Ints{7, 8, -5}));
    MPI_OK(MPI_Dist_graph_neighbors(graph, 3, found.data(), MPI_UNWEIGHTED, 0, nullptr,
                                    MPI_WEIGHTS_EMPTY));
    EXPECT_EQ(found, in);
    MPI_OK(MPI_Comm_free(&graph));
}

TEST_F(DistGraph, WithoutEdgesButWeighted) {
    MPI_Comm graph = MPI_COMM_NULL;
    MPI_OK(MPI_Dist_graph_create_adjacent(comm(), 0, nullptr, MPI_WEIGHTS_EMPTY, 0, nullptr,
                                          MPI_WEIGHTS_EMPTY, MPI_INFO_NULL, 0, &graph));
    EXPECT_TRUE(edges_of(graph, true).sources.empty());
    MPI_OK(MPI_Comm_free(&graph));
}

// Every rank names edges of others: of the next rank to all, weighed by who names them.
TEST_F(DistGraph, EdgesNamedByOthers) {
    const Ints sources{next(), rank()}, degrees{size(), 1};
    Ints destinations;
    for (int r = 0; r < size(); ++r) destinations.push_back(r);
    destinations.push_back(0);
    const Ints weights(destinations.size(), rank());
    for (const bool weighted : {true, false}) {
        MPI_Comm graph = MPI_COMM_NULL;
        MPI_OK(MPI_Dist_graph_create(comm(), 2, sources.data(), degrees.data(), destinations.data(),
                                     weighted ? weights.data() : MPI_UNWEIGHTED, MPI_INFO_NULL, 0,
                                     &graph));
        const Edges found = edges_of(graph, weighted);
        Ints in, in_weights, out, out_weights;
        for (int r = 0; r < size(); ++r) {
            in.push_back(r);
            in_weights.push_back(weighted ? (r + size() - 1) % size() : -1);
            out.push_back(r);
            out_weights.push_back(weighted ? previous() : -1);
        }
        for (int r = 0; r < (rank() == 0 ? size() : 0); ++r) {
            in.push_back(r);
            in_weights.push_back(weighted ? r : -1);
        }
        out.push_back(0);
        out_weights.push_back(weighted ? rank() : -1);
        EXPECT_EQ(sorted(found.sources, found.source_weights), sorted(in, in_weights));
        EXPECT_EQ(sorted(found.destinations, found.destination_weights), sorted(out, out_weights));
        MPI_OK(MPI_Comm_free(&graph));
    }
}

TEST_F(DistGraph, OneRankNamesAll) {
    // A line, named by the last rank.
    Ints sources, degrees, destinations;
    for (int r = 0; r + 1 < size() && rank() == size() - 1; ++r) {
        sources.push_back(r);
        degrees.push_back(1);
        destinations.push_back(r + 1);
    }
    MPI_Comm graph = MPI_COMM_NULL;
    MPI_OK(MPI_Dist_graph_create(comm(), to_int(sources.size()), sources.data(), degrees.data(),
                                 destinations.data(), MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &graph));
    const Edges found = edges_of(graph, false);
    EXPECT_EQ(found.sources, rank() > 0 ? Ints{rank() - 1} : Ints{});
    EXPECT_EQ(found.destinations, rank() + 1 < size() ? Ints{rank() + 1} : Ints{});
    MPI_OK(MPI_Comm_free(&graph));
}

TEST_F(DistGraph, Errors) {
    const int one[1] = {0}, bad[1] = {size()}, negative[1] = {-1}, degree[1] = {1};
    MPI_Comm out = MPI_COMM_NULL;
    const auto adjacent = [&](int n, const int* from, const int* in_weights,
                              const int* out_weights) {
        return MPI_Dist_graph_create_adjacent(comm(), n, from, in_weights, 1, one, out_weights,
                                              MPI_INFO_NULL, 0, &out);
    };
    const auto create = [&](int n, const int* from, const int* degrees, const int* to,
                            const int* weights) {
        return MPI_Dist_graph_create(comm(), n, from, degrees, to, weights, MPI_INFO_NULL, 0, &out);
    };
    int value = 0;
    run({
        {"indegree", MPI_ERR_ARG, [&] { return adjacent(-1, one, one, one); }},
        {"source", MPI_ERR_RANK, [&] { return adjacent(1, bad, one, one); }},
        {"negative source", MPI_ERR_RANK, [&] { return adjacent(1, negative, one, one); }},
        {"sources null", MPI_ERR_ARG, [&] { return adjacent(1, nullptr, one, one); }},
        {"weight", MPI_ERR_ARG, [&] { return adjacent(1, one, negative, one); },
         errors::For::kFathom},
        {"half weighted", MPI_ERR_ARG, [&] { return adjacent(1, one, MPI_UNWEIGHTED, one); },
         errors::For::kFathom},
        {"weights empty", MPI_ERR_ARG, [&] { return adjacent(1, one, MPI_WEIGHTS_EMPTY, one); },
         errors::For::kFathom},
        {"create: n", MPI_ERR_ARG, [&] { return create(-1, one, degree, one, MPI_UNWEIGHTED); }},
        {"create: source", MPI_ERR_RANK,
         [&] { return create(1, bad, degree, one, MPI_UNWEIGHTED); }},
        {"create: destination", MPI_ERR_RANK,
         [&] { return create(1, one, degree, bad, MPI_UNWEIGHTED); }},
        {"create: degree", MPI_ERR_ARG,
         [&] { return create(1, one, negative, one, MPI_UNWEIGHTED); }},
        {"create: weight", MPI_ERR_ARG, [&] { return create(1, one, degree, one, negative); },
         errors::For::kFathom},
        {"no graph: count", MPI_ERR_TOPOLOGY,
         [&] { return MPI_Dist_graph_neighbors_count(comm(), &value, &value, &value); }},
        {"no graph", MPI_ERR_TOPOLOGY,
         [&] {
             return MPI_Dist_graph_neighbors(comm(), 1, &value, MPI_UNWEIGHTED, 1, &value,
                                             MPI_UNWEIGHTED);
         }},
    });
    if (size() < 2) return;
    FATHOM_ONLY("it is found out that only some say MPI_UNWEIGHTED");
    EXPECT_MPI_CLASS(create(1, one, degree, one, rank() == 0 ? MPI_UNWEIGHTED : one), MPI_ERR_ARG);
}

}  // namespace
