// Graphs that all processes know: made, asked, kept by duplicates; the errors.
#include <algorithm>

#include "test/conformance/errors.hpp"

namespace {

using mpitest::to_int;
using Ints = std::vector<int>;

class Graph : public errors::ErrorTest {
  protected:
    // Rank r has an edge to itself, twice to the next one, and r further ones to rank 0.
    void describe(int nodes) {
        index_.clear();
        edges_.clear();
        for (int r = 0; r < nodes; ++r) {
            edges_.insert(edges_.end(), {r, (r + 1) % nodes, (r + 1) % nodes});
            edges_.insert(edges_.end(), static_cast<std::size_t>(r), 0);
            index_.push_back(to_int(edges_.size()));
        }
    }
    Ints neighbors_of(int r) const {
        const int first = r == 0 ? 0 : index_[static_cast<std::size_t>(r) - 1];
        return {edges_.begin() + first, edges_.begin() + index_[static_cast<std::size_t>(r)]};
    }
    void expect_described(MPI_Comm graph) const {
        int kind = -1, nodes = -1, edges = -1;
        MPI_OK(MPI_Topo_test(graph, &kind));
        EXPECT_EQ(kind, MPI_GRAPH);
        MPI_OK(MPI_Graphdims_get(graph, &nodes, &edges));
        ASSERT_EQ(nodes, to_int(index_.size()));
        ASSERT_EQ(edges, to_int(edges_.size()));
        Ints index(index_.size()), list(edges_.size());
        MPI_OK(MPI_Graph_get(graph, nodes, edges, index.data(), list.data()));
        EXPECT_EQ(index, index_);
        EXPECT_EQ(list, edges_);
        for (int r = 0; r < nodes; ++r) {
            int count = -1;
            MPI_OK(MPI_Graph_neighbors_count(graph, r, &count));
            const Ints expected = neighbors_of(r);
            ASSERT_EQ(count, to_int(expected.size()));
            Ints found(expected.size());
            MPI_OK(MPI_Graph_neighbors(graph, r, count, found.data()));
            EXPECT_EQ(found, expected);
        }
    }

    Ints index_, edges_;
};

TEST_F(Graph, WhatWasGivenComesBack) {
    describe(size());
    for (const int reorder : {0, 1}) {
        MPI_Comm graph = MPI_COMM_NULL, copy = MPI_COMM_NULL;
        MPI_OK(MPI_Graph_create(comm(), size(), index_.data(), edges_.data(), reorder, &graph));
        expect_described(graph);
        MPI_OK(MPI_Comm_dup(graph, &copy));
        MPI_OK(MPI_Comm_free(&graph));
        expect_described(copy);
        MPI_OK(MPI_Comm_free(&copy));
    }
}

TEST_F(Graph, SmallerThanTheCommunicator) {
    for (const int nodes : {0, 1, size() - 1}) {
        describe(nodes);
        MPI_Comm graph = MPI_COMM_WORLD;
        MPI_OK(MPI_Graph_create(comm(), nodes, index_.data(), edges_.data(), 0, &graph));
        ASSERT_EQ(graph != MPI_COMM_NULL, rank() < nodes);
        if (graph == MPI_COMM_NULL) continue;
        expect_described(graph);
        MPI_OK(MPI_Comm_free(&graph));
    }
}

TEST_F(Graph, WithoutEdges) {
    const Ints index(static_cast<std::size_t>(size()), 0);
    MPI_Comm graph = MPI_COMM_NULL;
    MPI_OK(MPI_Graph_create(comm(), size(), index.data(), nullptr, 0, &graph));
    int nodes = -1, edges = -1, count = -1;
    MPI_OK(MPI_Graphdims_get(graph, &nodes, &edges));
    EXPECT_EQ(nodes, size());
    EXPECT_EQ(edges, 0);
    MPI_OK(MPI_Graph_neighbors_count(graph, rank(), &count));
    EXPECT_EQ(count, 0);
    MPI_OK(MPI_Graph_neighbors(graph, rank(), 0, nullptr));
    MPI_OK(MPI_Comm_free(&graph));
}

TEST_F(Graph, MapIsAPermutation) {
    describe(size());
    int mine = -1;
    MPI_OK(MPI_Graph_map(comm(), size(), index_.data(), edges_.data(), &mine));
    Ints all(static_cast<std::size_t>(size()));
    MPI_OK(MPI_Allgather(&mine, 1, MPI_INT, all.data(), 1, MPI_INT, comm()));
    std::sort(all.begin(), all.end());
    for (int r = 0; r < size(); ++r) EXPECT_EQ(all[static_cast<std::size_t>(r)], r);
}

TEST_F(Graph, Errors) {
    describe(size());
    MPI_Comm graph = MPI_COMM_NULL, out = MPI_COMM_NULL;
    MPI_OK(MPI_Graph_create(comm(), size(), index_.data(), edges_.data(), 0, &graph));
    const int index[1] = {2}, falling[2] = {2, 1}, beyond[2] = {0, 1}, negative[2] = {0, -1};
    const Ints many(static_cast<std::size_t>(size()) + 1, 0);
    int value = 0;
    Ints room(edges_.size());
    run({
        {"more nodes than processes", MPI_ERR_ARG,
         [&] { return MPI_Graph_create(comm(), size() + 1, many.data(), beyond, 0, &out); }},
        {"nnodes", MPI_ERR_ARG,
         [&] { return MPI_Graph_create(comm(), -1, index, beyond, 0, &out); }},
        {"edge beyond the nodes", MPI_ERR_ARG,
         [&] { return MPI_Graph_create(comm(), 1, index, beyond, 0, &out); }},
        {"negative edge", MPI_ERR_ARG,
         [&] { return MPI_Graph_create(comm(), 1, index, negative, 0, &out); }},
        {"edges null", MPI_ERR_ARG,
         [&] { return MPI_Graph_create(comm(), 1, index, nullptr, 0, &out); },
         errors::For::kFathom},
        {"map: edge beyond the nodes", MPI_ERR_ARG,
         [&] { return MPI_Graph_map(comm(), 1, index, beyond, &value); }, errors::For::kFathom},
        {"get: room for nodes", MPI_ERR_ARG,
         [&] {
             return MPI_Graph_get(graph, size() - 1, to_int(room.size()), room.data(), room.data());
         },
         errors::For::kFathom},
        {"get: room for edges", MPI_ERR_ARG,
         [&] { return MPI_Graph_get(graph, size(), 1, room.data(), room.data()); },
         errors::For::kFathom},
        {"neighbors: room", MPI_ERR_ARG,
         [&] { return MPI_Graph_neighbors(graph, 0, 1, room.data()); }, errors::For::kFathom},
        {"neighbors: rank", MPI_ERR_RANK,
         [&] { return MPI_Graph_neighbors(graph, size(), 9, room.data()); }},
        {"neighbors_count: rank", MPI_ERR_RANK,
         [&] { return MPI_Graph_neighbors_count(graph, -1, &value); }},
        {"no graph: dims", MPI_ERR_TOPOLOGY,
         [&] { return MPI_Graphdims_get(comm(), &value, &value); }},
        {"no graph: get", MPI_ERR_TOPOLOGY,
         [&] { return MPI_Graph_get(comm(), 0, 0, nullptr, nullptr); }},
        {"no graph: count", MPI_ERR_TOPOLOGY,
         [&] { return MPI_Graph_neighbors_count(comm(), 0, &value); }},
        {"no graph: neighbors", MPI_ERR_TOPOLOGY,
         [&] { return MPI_Graph_neighbors(comm(), 0, 9, room.data()); }},
        {"no grid", MPI_ERR_TOPOLOGY, [&] { return MPI_Cartdim_get(graph, &value); }},
    });
    if (size() > 1) {
        EXPECT_MPI_CLASS(MPI_Graph_create(comm(), 2, falling, beyond, 0, &out), MPI_ERR_ARG);
    }
    MPI_OK(MPI_Comm_free(&graph));
}

}  // namespace
