// Neighbourhood collectives on grids and graphs: which block goes where, also where several edges
// join two processes.
#include <array>
#include <deque>
#include <functional>

#include "test/conformance/coll.hpp"

namespace {

using coll::u;
using coll::unset;
using coll::values;

// A communicator with a topology, and what this process must receive along it.
struct Neighborhood {
    MPI_Comm comm = MPI_COMM_NULL;
    std::vector<int> sources;  // as the topology has them
    std::vector<int> destinations;
    std::vector<int> sent_as;  // for each source: the sender's number of the block
};

// A blocking call, its nonblocking sibling, or the persistent one, started twice.
enum class Way { kBlocking, kNonblocking, kPersistent };
constexpr std::array<Way, 3> kWays{Way::kBlocking, Way::kNonblocking, Way::kPersistent};

template <class Blocking, class Start, class Init>
int call(Way way, Blocking blocking, Start start, Init init) {
    if (way == Way::kBlocking) return blocking();
    MPI_Request request = MPI_REQUEST_NULL;
    if (way == Way::kNonblocking) {
        EXPECT_MPI_OK(start(&request));
        return MPI_Wait(&request, MPI_STATUS_IGNORE);
    }
    EXPECT_MPI_OK(init(&request));
    for (int round = 0; round < 2; ++round) {
        EXPECT_MPI_OK(MPI_Start(&request));
        EXPECT_MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    }
    return MPI_Request_free(&request);
}

#define CALL(way, function, ...)                                                  \
    call(                                                                         \
        way, [&] { return MPI_Neighbor_##function(__VA_ARGS__); },                \
        [&](MPI_Request* r) { return MPI_Ineighbor_##function(__VA_ARGS__, r); }, \
        [&](MPI_Request* r) {                                                     \
            return MPI_Neighbor_##function##_init(__VA_ARGS__, MPI_INFO_NULL, r); \
        })

class Neighbors : public mpitest::MpiTest {
  protected:
    void TearDown() override {
        for (Neighborhood& each : made_) EXPECT_MPI_OK(MPI_Comm_free(&each.comm));
        MpiTest::TearDown();
    }

    // A grid; the reference are the shifts along its dimensions.
    const Neighborhood& grid(std::vector<int> dims, std::vector<int> periods) {
        Neighborhood result;
        const int n = mpitest::to_int(dims.size());
        EXPECT_MPI_OK(MPI_Cart_create(comm(), n, dims.data(), periods.data(), 0, &result.comm));
        for (int d = 0; d < n; ++d) {
            int below = -1;
            int above = -1;
            EXPECT_MPI_OK(MPI_Cart_shift(result.comm, d, 1, &below, &above));
            result.sources.insert(result.sources.end(), {below, above});
            // What goes down arrives from above.
            result.sent_as.insert(result.sent_as.end(), {2 * d + 1, 2 * d});
        }
        result.destinations = result.sources;
        return keep(result);
    }

    using Lists = std::function<std::vector<int>(int)>;

    // A graph in which `outs` and `ins` give the neighbours of any rank.
    const Neighborhood& graph(const Lists& outs, const Lists& ins) {
        Neighborhood result;
        result.sources = ins(rank());
        result.destinations = outs(rank());
        EXPECT_MPI_OK(MPI_Dist_graph_create_adjacent(
            comm(), mpitest::to_int(result.sources.size()), result.sources.data(), MPI_UNWEIGHTED,
            mpitest::to_int(result.destinations.size()), result.destinations.data(), MPI_UNWEIGHTED,
            MPI_INFO_NULL, 0, &result.comm));
        match(result, outs);
        return keep(result);
    }

    // The same, of the kind in which every process knows all edges.
    const Neighborhood& old_graph(const Lists& lists) {
        std::vector<int> index;
        std::vector<int> edges;
        for (int r = 0; r < size(); ++r) {
            append(edges, lists(r));
            index.push_back(mpitest::to_int(edges.size()));
        }
        Neighborhood result;
        EXPECT_MPI_OK(
            MPI_Graph_create(comm(), size(), index.data(), edges.data(), 0, &result.comm));
        result.sources = result.destinations = lists(rank());
        match(result, lists);
        return keep(result);
    }

    // The n-th edge to a process is the n-th that it sends along.
    void match(Neighborhood& made, const Lists& outs) const {
        for (std::size_t i = 0; i < made.sources.size(); ++i) {
            const int from = made.sources[i];
            auto left = std::count(made.sources.begin(),
                                   made.sources.begin() + static_cast<std::ptrdiff_t>(i), from);
            const std::vector<int> theirs = outs(from);
            int block = 0;
            while (theirs[u(block)] != rank() || left-- > 0) ++block;
            made.sent_as.push_back(block);
        }
    }

    const Neighborhood& keep(Neighborhood& made) {
        EXPECT_MPI_OK(MPI_Comm_set_errhandler(made.comm, MPI_ERRORS_RETURN));
        made_.push_back(made);
        return made_.back();
    }

    // All five functions in all ways, with blocks of about `scale` ints.
    void check(const Neighborhood& where, int scale) const {
        for (const Way way : kWays) {
            SCOPED_TRACE(testing::Message() << "way " << static_cast<int>(way));
            check_allgather(where, scale, way);
            check_allgatherv(where, scale, way);
            check_alltoall(where, scale, way);
            check_alltoallv(where, scale, way);
            check_alltoallw(where, scale, way);
        }
    }
    void check(const Neighborhood& where) const {
        for (const int scale : {0, 1, 100, 30'000}) {
            SCOPED_TRACE(scale);
            check(where, scale);
        }
    }

    // A block of its own length for each edge: by sender and its number of the block.
    static int length(int sender, int block, int scale) { return (sender + block) % 3 * scale; }
    static std::vector<int> contents(int sender, int block, int count) {
        return values(sender, count, block * 1000);
    }

  private:
    static void append(std::vector<int>& to, const std::vector<int>& part) {
        to.insert(to.end(), part.begin(), part.end());
    }
    static std::vector<int> or_unset(int neighbor, std::vector<int> part) {
        if (neighbor == MPI_PROC_NULL) std::fill(part.begin(), part.end(), -1);
        return part;
    }

    void check_allgather(const Neighborhood& where, int count, Way way) const {
        const std::vector<int> mine = values(rank(), count);
        std::vector<int> in = unset(count * mpitest::to_int(where.sources.size()));
        std::vector<int> expected;
        for (const int source : where.sources)
            append(expected, or_unset(source, values(source, count)));
        MPI_OK(CALL(way, allgather, mine.data(), count, MPI_INT, in.data(), count, MPI_INT,
                    where.comm));
        EXPECT_EQ(in, expected);
    }

    void check_allgatherv(const Neighborhood& where, int scale, Way way) const {
        const std::vector<int> mine = values(rank(), length(rank(), 0, scale));
        std::vector<int> counts;
        std::vector<int> at;
        std::vector<int> expected;
        for (const int source : where.sources) {
            // At a border the count does not matter.
            counts.push_back(source == MPI_PROC_NULL ? 2 : length(source, 0, scale));
            at.push_back(mpitest::to_int(expected.size()));
            append(expected, or_unset(source, values(source, counts.back())));
            expected.push_back(-1);
        }
        std::vector<int> in = unset(mpitest::to_int(expected.size()));
        MPI_OK(CALL(way, allgatherv, mine.data(), mpitest::to_int(mine.size()), MPI_INT, in.data(),
                    counts.data(), at.data(), MPI_INT, where.comm));
        EXPECT_EQ(in, expected);
    }

    void check_alltoall(const Neighborhood& where, int count, Way way) const {
        std::vector<int> out;
        std::vector<int> expected;
        for (std::size_t i = 0; i < where.destinations.size(); ++i)
            append(out, contents(rank(), mpitest::to_int(i), count));
        for (std::size_t i = 0; i < where.sources.size(); ++i)
            append(expected,
                   or_unset(where.sources[i], contents(where.sources[i], where.sent_as[i], count)));
        std::vector<int> in = unset(mpitest::to_int(expected.size()));
        MPI_OK(
            CALL(way, alltoall, out.data(), count, MPI_INT, in.data(), count, MPI_INT, where.comm));
        EXPECT_EQ(in, expected);
    }

    struct Side {
        std::vector<int> counts;
        std::vector<int> at;
        std::vector<int> data;
    };
    Side sent(const Neighborhood& where, int scale) const {
        Side out;
        for (int i = 0; i < mpitest::to_int(where.destinations.size()); ++i) {
            out.counts.push_back(length(rank(), i, scale));
            out.at.push_back(mpitest::to_int(out.data.size()));
            append(out.data, contents(rank(), i, out.counts.back()));
            out.data.push_back(-3);
        }
        return out;
    }
    static Side received(const Neighborhood& where, int scale) {
        Side in;
        for (std::size_t i = 0; i < where.sources.size(); ++i) {
            const int source = where.sources[i];
            in.counts.push_back(source == MPI_PROC_NULL ? 2
                                                        : length(source, where.sent_as[i], scale));
            in.at.push_back(mpitest::to_int(in.data.size()));
            append(in.data, or_unset(source, contents(source, where.sent_as[i], in.counts.back())));
            in.data.push_back(-1);
        }
        return in;
    }

    void check_alltoallv(const Neighborhood& where, int scale, Way way) const {
        const Side out = sent(where, scale);
        const Side in = received(where, scale);
        std::vector<int> got = unset(mpitest::to_int(in.data.size()));
        MPI_OK(CALL(way, alltoallv, out.data.data(), out.counts.data(), out.at.data(), MPI_INT,
                    got.data(), in.counts.data(), in.at.data(), MPI_INT, where.comm));
        EXPECT_EQ(got, in.data);
    }

    // Places are absolute addresses; every block has a type of its own.
    void check_alltoallw(const Neighborhood& where, int scale, Way way) const {
        Side out = sent(where, scale);
        const Side in = received(where, scale);
        std::vector<int> got = unset(mpitest::to_int(in.data.size()));
        struct Types {
            std::vector<MPI_Aint> at;
            std::vector<MPI_Datatype> types;
        };
        const auto types_of = [](const Side& side, int* data) {
            Types result;
            for (std::size_t i = 0; i < side.at.size(); ++i) {
                MPI_Aint address = 0;
                EXPECT_MPI_OK(MPI_Get_address(data + side.at[i], &address));
                result.at.push_back(address);
                MPI_Datatype type = MPI_DATATYPE_NULL;
                EXPECT_MPI_OK(MPI_Type_contiguous(side.counts[i], MPI_INT, &type));
                EXPECT_MPI_OK(MPI_Type_commit(&type));
                result.types.push_back(type);
            }
            return result;
        };
        Types from = types_of(out, out.data.data());
        Types to = types_of(in, got.data());
        const std::vector<int> ones(std::max(from.at.size(), to.at.size()), 1);
        MPI_OK(CALL(way, alltoallw, MPI_BOTTOM, ones.data(), from.at.data(), from.types.data(),
                    MPI_BOTTOM, ones.data(), to.at.data(), to.types.data(), where.comm));
        EXPECT_EQ(got, in.data);
        for (MPI_Datatype& type : from.types) EXPECT_MPI_OK(MPI_Type_free(&type));
        for (MPI_Datatype& type : to.types) EXPECT_MPI_OK(MPI_Type_free(&type));
    }

    std::deque<Neighborhood> made_;  // references stay good
};

TEST_F(Neighbors, OnALineAndARing) {
    check(grid({size()}, {0}));
    check(grid({size()}, {1}));
}

// On rings of one and two processes both directions lead to the same process.
TEST_F(Neighbors, OnShortRings) {
    SKIP_ON_PEER(kOpenMpi, "4.1 takes blocks of short rings in order");
    SKIP_ON_PEER(kMpich, "4.0 takes blocks of short rings in order");
    check(grid({1, size()}, {1, 1}));
    check(grid({size(), 1, 1}, {0, 1, 0}));
    if (size() % 2 == 0) {
        check(grid({2, size() / 2}, {1, 1}));
        check(grid({size() / 2, 2}, {0, 1}));
    }
    if (size() % 4 == 0) check(grid({2, 2, size() / 4}, {1, 0, 1}));
}

TEST_F(Neighbors, OnADuplicate) {
    Neighborhood copy = grid({size()}, {1});
    MPI_Comm original = copy.comm;
    MPI_OK(MPI_Comm_dup(original, &copy.comm));
    check(keep(copy), 10);
}

// Each neighbour on the ring twice, and oneself in between.
TEST_F(Neighbors, OnAGraphWithSeveralEdges) {
    check(old_graph([&](int r) {
        const int before = (r + size() - 1) % size();
        const int after = (r + 1) % size();
        return std::vector<int>{after, r, before, before, after};
    }));
}

// To the next one twice, and to oneself; received in another order.
TEST_F(Neighbors, OnADirectedGraphWithSeveralEdges) {
    check(graph(
        [&](int r) {
            return std::vector<int>{(r + 1) % size(), r, (r + 1) % size()};
        },
        [&](int r) {
            const int before = (r + size() - 1) % size();
            return std::vector<int>{r, before, before};
        }));
}

// Rank 0 sends to all, itself too, and gets from itself; the others send nothing.
TEST_F(Neighbors, OnAStar) {
    check(graph(
        [&](int r) {
            std::vector<int> all;
            for (int i = size(); r == 0 && i-- > 0;) all.push_back(i);
            return all;
        },
        [](int) { return std::vector<int>{0}; }));
}

TEST_F(Neighbors, WithoutNeighbors) {
    const Lists none = [](int) { return std::vector<int>(); };
    check(old_graph(none));
    const Neighborhood& alone = graph(none, none);
    check(alone);
    // A buffer for no neighbour may be missing.
    MPI_OK(MPI_Neighbor_allgather(nullptr, 1, MPI_INT, nullptr, 1, MPI_INT, alone.comm));
    MPI_OK(MPI_Neighbor_alltoall(nullptr, 1, MPI_INT, nullptr, 1, MPI_INT, alone.comm));
}

TEST_F(Neighbors, LargeCounts) {
    const Neighborhood& ring = grid({size()}, {1});
    const std::array<int, 2> out{rank() * 2, rank() * 2 + 1};
    const std::array<int, 2> expected{previous() * 2 + 1, next() * 2};
    std::array<int, 2> in{-1, -1};
    const std::array<MPI_Count, 2> ones{1, 1};
    const std::array<MPI_Aint, 2> at{0, 1};
    const std::array<MPI_Aint, 2> bytes{0, 4};
    const std::array<MPI_Datatype, 2> ints{MPI_INT, MPI_INT};
    if (size() > 2 || mpitest::is_fathom()) {
        MPI_OK(MPI_Neighbor_alltoall_c(out.data(), 1, MPI_INT, in.data(), 1, MPI_INT, ring.comm));
        EXPECT_EQ(in, expected);
        in.fill(-1);
        MPI_OK(MPI_Neighbor_alltoallv_c(out.data(), ones.data(), at.data(), MPI_INT, in.data(),
                                        ones.data(), at.data(), MPI_INT, ring.comm));
        EXPECT_EQ(in, expected);
        in.fill(-1);
        MPI_OK(MPI_Neighbor_alltoallw_c(out.data(), ones.data(), bytes.data(), ints.data(),
                                        in.data(), ones.data(), bytes.data(), ints.data(),
                                        ring.comm));
        EXPECT_EQ(in, expected);
    }
    const std::array<int, 2> from{previous(), next()};
    const int mine = rank();
    MPI_OK(MPI_Neighbor_allgather_c(&mine, 1, MPI_INT, in.data(), 1, MPI_INT, ring.comm));
    EXPECT_EQ(in, from);
    in.fill(-1);
    MPI_OK(MPI_Neighbor_allgatherv_c(&mine, 1, MPI_INT, in.data(), ones.data(), at.data(), MPI_INT,
                                     ring.comm));
    EXPECT_EQ(in, from);
}

// Every rank makes the same mistake.
TEST_F(Neighbors, Errors) {
    FATHOM_ONLY("others check less");
    const Neighborhood& ring = grid({size()}, {1});
    std::array<int, 2> a{};
    std::array<int, 2> b{};
    const std::array<int, 2> wrong{1, -1};
    const std::array<int, 2> ones{1, 1};
    const std::array<MPI_Aint, 2> at{0, 4};
    const std::array<MPI_Datatype, 2> ints{MPI_INT, MPI_INT};
    const std::array<MPI_Datatype, 2> bad{MPI_INT, MPI_DATATYPE_NULL};
    const MPI_Comm c = ring.comm;
    int* const in = b.data();
    const int* const one = ones.data();
    {
        const MPI_Comm none = comm();
        EXPECT_MPI_CLASS(MPI_Neighbor_allgather(a.data(), 1, MPI_INT, in, 1, MPI_INT, none),
                         MPI_ERR_TOPOLOGY);
        EXPECT_MPI_CLASS(MPI_Neighbor_allgatherv(a.data(), 1, MPI_INT, in, one, one, MPI_INT, none),
                         MPI_ERR_TOPOLOGY);
        EXPECT_MPI_CLASS(MPI_Neighbor_alltoall(a.data(), 1, MPI_INT, in, 1, MPI_INT, none),
                         MPI_ERR_TOPOLOGY);
        EXPECT_MPI_CLASS(
            MPI_Neighbor_alltoallv(a.data(), one, one, MPI_INT, in, one, one, MPI_INT, none),
            MPI_ERR_TOPOLOGY);
        EXPECT_MPI_CLASS(MPI_Neighbor_alltoallw(a.data(), one, at.data(), ints.data(), in, one,
                                                at.data(), ints.data(), none),
                         MPI_ERR_TOPOLOGY);
    }
    EXPECT_MPI_CLASS(MPI_Neighbor_allgather(a.data(), -1, MPI_INT, in, 1, MPI_INT, c),
                     MPI_ERR_COUNT);
    EXPECT_MPI_CLASS(MPI_Neighbor_allgather(a.data(), 1, MPI_DATATYPE_NULL, in, 1, MPI_INT, c),
                     MPI_ERR_TYPE);
    EXPECT_MPI_CLASS(MPI_Neighbor_alltoall(MPI_IN_PLACE, 1, MPI_INT, in, 1, MPI_INT, c),
                     MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Neighbor_alltoall(a.data(), 1, MPI_INT, nullptr, 1, MPI_INT, c),
                     MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Neighbor_alltoall(in, 1, MPI_INT, in, 1, MPI_INT, c), MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(
        MPI_Neighbor_alltoallv(a.data(), wrong.data(), one, MPI_INT, in, one, one, MPI_INT, c),
        MPI_ERR_COUNT);
    EXPECT_MPI_CLASS(
        MPI_Neighbor_alltoallv(a.data(), one, nullptr, MPI_INT, in, one, one, MPI_INT, c),
        MPI_ERR_ARG);
    EXPECT_MPI_CLASS(MPI_Neighbor_alltoallw(a.data(), one, at.data(), ints.data(), in, one,
                                            at.data(), bad.data(), c),
                     MPI_ERR_TYPE);
}

}  // namespace
