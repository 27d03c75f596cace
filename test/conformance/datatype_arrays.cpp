// Blocks of one length, subarrays, distributed arrays, resized types and copies: what travels, and
// what their bounds are.
#include <cstddef>
#include <numeric>

#include "test/conformance/datatype_model.hpp"

namespace {

using mpitest::to_int;

class ArrayTypes : public mpitest::MpiTest {
  protected:
    /// Sends one element of `type` at `data` around the ring; gives its ints in packed order.
    std::vector<int> through(const std::vector<int>& data, MPI_Datatype type, int at = 0) {
        int size_bytes = 0;
        EXPECT_MPI_OK(MPI_Type_commit(&type));
        EXPECT_MPI_OK(MPI_Type_size(type, &size_bytes));
        std::vector<int> received(static_cast<std::size_t>(size_bytes) / sizeof(int));
        EXPECT_MPI_OK(MPI_Sendrecv(data.data() + at, 1, type, next(), 1, received.data(),
                                   to_int(received.size()), MPI_INT, previous(), 1, comm(),
                                   MPI_STATUS_IGNORE));
        EXPECT_MPI_OK(MPI_Type_free(&type));
        return received;
    }
    static std::vector<int> counted(int n) {
        std::vector<int> values(static_cast<std::size_t>(n));
        std::iota(values.begin(), values.end(), 0);
        return values;
    }
};

struct Bounds {
    MPI_Aint lb = -7;
    MPI_Aint extent = -7;
    MPI_Aint true_lb = -7;
    MPI_Aint true_extent = -7;

    explicit Bounds(MPI_Datatype type) {
        EXPECT_MPI_OK(MPI_Type_get_extent(type, &lb, &extent));
        EXPECT_MPI_OK(MPI_Type_get_true_extent(type, &true_lb, &true_extent));
        MPI_Count wide[4]{};
        EXPECT_MPI_OK(MPI_Type_get_extent_x(type, &wide[0], &wide[1]));
        EXPECT_MPI_OK(MPI_Type_get_true_extent_x(type, &wide[2], &wide[3]));
        EXPECT_EQ(wide[0], lb);
        EXPECT_EQ(wide[1], extent);
        EXPECT_EQ(wide[2], true_lb);
        EXPECT_EQ(wide[3], true_extent);
    }
    Bounds(MPI_Aint l, MPI_Aint e, MPI_Aint tl, MPI_Aint te)
        : lb(l), extent(e), true_lb(tl), true_extent(te) {}
    bool operator==(const Bounds&) const = default;
};

TEST_F(ArrayTypes, IndexedBlocks) {
    const int places[] = {5, 0, 9};
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_indexed_block(3, 2, places, MPI_INT, &type));
    EXPECT_EQ(Bounds(type), Bounds(0, 44, 0, 44));
    EXPECT_EQ(through(counted(11), type), (std::vector<int>{5, 6, 0, 1, 9, 10}));
    const MPI_Aint bytes[] = {-4, 8};
    MPI_OK(MPI_Type_create_hindexed_block(2, 1, bytes, MPI_INT, &type));
    EXPECT_EQ(Bounds(type), Bounds(-4, 16, -4, 16));
    EXPECT_EQ(through(counted(6), type, 2), (std::vector<int>{1, 4}));
    MPI_OK(MPI_Type_create_indexed_block(0, 2, nullptr, MPI_INT, &type));
    EXPECT_EQ(Bounds(type), Bounds(0, 0, 0, 0));
    EXPECT_TRUE(through({}, type).empty());
    MPI_OK(MPI_Type_create_hindexed_block(2, 0, bytes, MPI_INT, &type));
    EXPECT_TRUE(through({}, type).empty());
}

TEST_F(ArrayTypes, SubarraysInBothOrders) {
    const int sizes[] = {3, 4, 5};
    const int subsizes[] = {2, 2, 3};
    const int starts[] = {1, 0, 2};
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_subarray(3, sizes, subsizes, starts, MPI_ORDER_C, MPI_INT, &type));
    EXPECT_EQ(Bounds(type), Bounds(0, 240, 88, 4 * (1 * 20 + 1 * 5 + 3)));
    std::vector<int> expected;
    for (int i = 1; i < 3; ++i)
        for (int j = 0; j < 2; ++j)
            for (int k = 2; k < 5; ++k) expected.push_back((i * 4 + j) * 5 + k);
    EXPECT_EQ(through(counted(60), type), expected);
    MPI_OK(MPI_Type_create_subarray(3, sizes, subsizes, starts, MPI_ORDER_FORTRAN, MPI_INT, &type));
    expected.clear();
    for (int k = 2; k < 5; ++k)
        for (int j = 0; j < 2; ++j)
            for (int i = 1; i < 3; ++i) expected.push_back((k * 4 + j) * 3 + i);
    EXPECT_EQ(through(counted(60), type), expected);
}

// Several elements follow each other by the extent of the whole array.
TEST_F(ArrayTypes, SubarraysInARow) {
    const int size = 4;
    const int subsize = 1;
    const int start = 3;
    MPI_Datatype last = MPI_DATATYPE_NULL;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_subarray(1, &size, &subsize, &start, MPI_ORDER_C, MPI_INT, &last));
    MPI_OK(MPI_Type_contiguous(3, last, &type));
    MPI_OK(MPI_Type_free(&last));
    EXPECT_EQ(Bounds(type), Bounds(0, 48, 12, 36));
    EXPECT_EQ(through(counted(12), type), (std::vector<int>{3, 7, 11}));
}

// Together the parts of all processes are the array, each element once.
TEST_F(ArrayTypes, DistributedArraysCoverTheArrayOnce) {
    const std::array<int, 3> gsizes{5, 6, 7};
    const std::array<int, 3> distribs{MPI_DISTRIBUTE_CYCLIC, MPI_DISTRIBUTE_NONE,
                                      MPI_DISTRIBUTE_BLOCK};
    const std::array<int, 3> dargs{2, MPI_DISTRIBUTE_DFLT_DARG, MPI_DISTRIBUTE_DFLT_DARG};
    const std::array<int, 3> psizes{2, 1, 3};
    for (const int order : {MPI_ORDER_C, MPI_ORDER_FORTRAN}) {
        std::vector<int> seen(210);
        for (int rank = 0; rank < 6; ++rank) {
            MPI_Datatype type = MPI_DATATYPE_NULL;
            MPI_OK(MPI_Type_create_darray(6, rank, 3, gsizes.data(), distribs.data(), dargs.data(),
                                          psizes.data(), order, MPI_INT, &type));
            const Bounds bounds(type);
            EXPECT_EQ(bounds.lb, 0);
            EXPECT_EQ(bounds.extent, 840);
            int last = -1;
            for (const int place : through(counted(210), type)) {
                ++seen[static_cast<std::size_t>(place)];
                EXPECT_GT(place, last) << "the order of memory";
                last = place;
                const int i = order == MPI_ORDER_C ? place / 42 : place % 5;
                const int k = order == MPI_ORDER_C ? place % 7 : place / 30;
                // The grid of processes is in the order of C whatever the array's.
                EXPECT_EQ(i / 2 % 2 * 3 + k / 3, rank);
            }
        }
        EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 210);
    }
}

// An array that is scattered by distributed types and gathered again, as a file would be.
TEST_F(ArrayTypes, DistributedPartsComeTogetherAtTheRoot) {
    constexpr int kRows = 17;
    constexpr int kColumns = 9;
    const std::array<int, 2> gsizes{kRows, kColumns};
    const std::array<int, 2> distribs{MPI_DISTRIBUTE_CYCLIC, MPI_DISTRIBUTE_NONE};
    const std::array<int, 2> dargs{3, MPI_DISTRIBUTE_DFLT_DARG};
    const std::array<int, 2> psizes{size(), 1};
    const auto part_of = [&](int owner) {
        MPI_Datatype type = MPI_DATATYPE_NULL;
        EXPECT_MPI_OK(MPI_Type_create_darray(size(), owner, 2, gsizes.data(), distribs.data(),
                                             dargs.data(), psizes.data(), MPI_ORDER_C, MPI_INT,
                                             &type));
        EXPECT_MPI_OK(MPI_Type_commit(&type));
        return type;
    };
    const std::vector<int> whole = counted(kRows * kColumns);
    MPI_Datatype mine = part_of(rank());
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Isend(whole.data(), 1, mine, 0, 1, comm(), &request));
    MPI_OK(MPI_Type_free(&mine));
    if (rank() == 0) {
        std::vector<int> gathered(whole.size(), -1);
        for (int owner = 0; owner < size(); ++owner) {
            MPI_Datatype part = part_of(owner);
            MPI_OK(MPI_Recv(gathered.data(), 1, part, owner, 1, comm(), MPI_STATUS_IGNORE));
            MPI_OK(MPI_Type_free(&part));
        }
        EXPECT_EQ(gathered, whole);
    }
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
}

TEST_F(ArrayTypes, ResizedTypesInterleave) {
    // The columns of a matrix, one after the other.
    constexpr int kRows = 4;
    constexpr int kColumns = 3;
    MPI_Datatype column = MPI_DATATYPE_NULL;
    MPI_Datatype narrow = MPI_DATATYPE_NULL;
    MPI_Datatype all = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(kRows, 1, kColumns, MPI_INT, &column));
    MPI_OK(MPI_Type_create_resized(column, 0, sizeof(int), &narrow));
    EXPECT_EQ(Bounds(narrow), Bounds(0, 4, 0, 40));
    MPI_OK(MPI_Type_contiguous(kColumns, narrow, &all));
    EXPECT_EQ(through(counted(12), all), (std::vector<int>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11}));
    MPI_OK(MPI_Type_free(&column));
    MPI_OK(MPI_Type_free(&narrow));
}

TEST_F(ArrayTypes, BoundsThatWereSetStick) {
    SKIP_ON_PEER(kMpich, "takes the bounds of other data too");
    MPI_Datatype padded = MPI_DATATYPE_NULL;
    MPI_Datatype pair = MPI_DATATYPE_NULL;
    MPI_Datatype again = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_resized(MPI_INT, -8, 20, &padded));
    const int lengths[] = {1, 1};
    const MPI_Aint places[] = {0, 40};
    const MPI_Datatype types[] = {padded, MPI_DOUBLE};
    // The bounds are those of `padded`, although there is data beyond.
    MPI_OK(MPI_Type_create_struct(2, lengths, places, types, &pair));
    EXPECT_EQ(Bounds(pair), Bounds(-8, 20, 0, 48));
    // Set anew, the old ones are gone.
    MPI_OK(MPI_Type_create_resized(pair, 0, 64, &again));
    EXPECT_EQ(Bounds(again), Bounds(0, 64, 0, 48));
    MPI_OK(MPI_Type_free(&padded));
    MPI_OK(MPI_Type_free(&pair));
    MPI_OK(MPI_Type_create_resized(again, 16, -32, &pair));
    EXPECT_EQ(Bounds(pair), Bounds(16, -32, 0, 48));
    MPI_OK(MPI_Type_free(&pair));
    MPI_OK(MPI_Type_free(&again));
}

TEST_F(ArrayTypes, CopiesAreEqualAndIndependent) {
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_Datatype copy = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(3, 1, 2, MPI_INT, &type));
    MPI_OK(MPI_Type_commit(&type));
    MPI_OK(MPI_Type_dup(type, &copy));
    EXPECT_FALSE(copy == type);
    MPI_OK(MPI_Type_free(&type));
    // Committed, as the original was.
    std::array<int, 3> received{};
    const std::vector<int> data = counted(5);
    MPI_OK(MPI_Sendrecv(data.data(), 1, copy, next(), 1, received.data(), 3, MPI_INT, previous(), 1,
                        comm(), MPI_STATUS_IGNORE));
    EXPECT_EQ(received, (std::array<int, 3>{0, 2, 4}));
    EXPECT_EQ(Bounds(copy), Bounds(0, 20, 0, 20));
    MPI_OK(MPI_Type_free(&copy));
    MPI_OK(MPI_Type_dup(MPI_DOUBLE, &copy));
    EXPECT_FALSE(copy == MPI_DOUBLE);
    double sent = 2.5;
    double got = 0;
    MPI_OK(MPI_Sendrecv(&sent, 1, copy, next(), 1, &got, 1, MPI_DOUBLE, previous(), 1, comm(),
                        MPI_STATUS_IGNORE));
    EXPECT_EQ(got, 2.5);
    MPI_OK(MPI_Type_free(&copy));
}

// A copy has the attributes, as their copy function makes them; they go when it is freed.
TEST_F(ArrayTypes, CopiesHaveTheAttributes) {
    struct Log {
        int copies = 0;
        int deletes = 0;
        int result = MPI_SUCCESS;
    } log;
    const auto copied = [](MPI_Datatype, int, void* state, void* in, void* out, int* flag) {
        auto* l = static_cast<Log*>(state);
        ++l->copies;
        *static_cast<void**>(out) = static_cast<char*>(in) + 1;
        *flag = 1;
        return l->result;
    };
    const auto deleted = [](MPI_Datatype, int, void*, void* state) {
        ++static_cast<Log*>(state)->deletes;
        return MPI_SUCCESS;
    };
    char values[2]{};
    int key = MPI_KEYVAL_INVALID;
    MPI_OK(MPI_Type_create_keyval(copied, deleted, &key, &log));
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_Datatype copy = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(2, MPI_INT, &type));
    MPI_OK(MPI_Type_set_attr(type, key, values));
    MPI_OK(MPI_Type_dup(type, &copy));
    EXPECT_EQ(log.copies, 1);
    void* value = nullptr;
    int found = 0;
    MPI_OK(MPI_Type_get_attr(copy, key, &value, &found));
    EXPECT_NE(found, 0);
    EXPECT_EQ(value, values + 1);
    MPI_OK(MPI_Type_free(&copy));
    EXPECT_EQ(log.deletes, 1);
    // A copy function that fails: no copy.
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    log.result = MPI_ERR_OTHER;
    EXPECT_NE(MPI_Type_dup(type, &copy), MPI_SUCCESS);
    EXPECT_EQ(log.copies, 2);
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL));
    MPI_OK(MPI_Type_free(&type));
    EXPECT_EQ(log.deletes, 2);
    MPI_OK(MPI_Type_free_keyval(&key));
}

TEST_F(ArrayTypes, ElementsOfHalfAStruct) {
    struct Record {
        int number;
        double values[2];
    };
    const std::array<int, 2> lengths{1, 2};
    const std::array<MPI_Aint, 2> places{0, offsetof(Record, values)};
    const std::array<MPI_Datatype, 2> types{MPI_INT, MPI_DOUBLE};
    MPI_Datatype one = MPI_DATATYPE_NULL;
    MPI_Datatype record = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_struct(2, lengths.data(), places.data(), types.data(), &one));
    MPI_OK(MPI_Type_create_resized(one, 0, sizeof(Record), &record));
    MPI_OK(MPI_Type_commit(&record));
    MPI_OK(MPI_Type_free(&one));
    // An int, two doubles, and of the second record the int and one double.
    const std::array<int, 2> short_lengths{1, 1};
    MPI_Datatype half = MPI_DATATYPE_NULL;
    MPI_Datatype both = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_struct(2, short_lengths.data(), places.data(), types.data(), &half));
    const std::array<MPI_Aint, 2> starts{0, sizeof(Record)};
    const std::array<MPI_Datatype, 2> parts{record, half};
    MPI_OK(MPI_Type_create_struct(2, short_lengths.data(), starts.data(), parts.data(), &both));
    MPI_OK(MPI_Type_commit(&both));
    MPI_OK(MPI_Type_free(&half));
    const std::array<Record, 2> sent{Record{1, {2, 3}}, Record{4, {5, 6}}};
    std::array<Record, 3> received{};
    MPI_Status status;
    MPI_OK(MPI_Sendrecv(sent.data(), 1, both, next(), 1, received.data(), 3, record, previous(), 1,
                        comm(), &status));
    EXPECT_EQ(received[1].number, 4);
    EXPECT_EQ(received[1].values[0], 5);
    EXPECT_EQ(received[1].values[1], 0);
    int count = 0;
    int elements = 0;
    MPI_Count elements_x = 0;
    MPI_OK(MPI_Get_count(&status, record, &count));
    MPI_OK(MPI_Get_elements(&status, record, &elements));
    MPI_OK(MPI_Get_elements_x(&status, record, &elements_x));
    EXPECT_EQ(count, MPI_UNDEFINED);
    EXPECT_EQ(elements, 5);
    EXPECT_EQ(elements_x, 5);
    MPI_OK(MPI_Type_free(&record));
    MPI_OK(MPI_Type_free(&both));
}

TEST_F(ArrayTypes, AddressesAddAndSubtract) {
    const std::array<double, 10> data{};
    MPI_Aint first = 0;
    MPI_Aint last = 0;
    MPI_OK(MPI_Get_address(&data[0], &first));
    MPI_OK(MPI_Get_address(&data[9], &last));
    EXPECT_EQ(MPI_Aint_diff(last, first), 72);
    EXPECT_EQ(MPI_Aint_diff(first, last), -72);
    EXPECT_EQ(MPI_Aint_add(first, 72), last);
    EXPECT_EQ(MPI_Aint_add(last, -72), first);
    EXPECT_EQ(MPI_Aint_add(std::numeric_limits<MPI_Aint>::max(), 1),
              std::numeric_limits<MPI_Aint>::min());
}

#if MPI_VERSION >= 5
TEST_F(ArrayTypes, PairsOfAnyValueAndIndex) {
    MPI_Datatype type = MPI_DATATYPE_NULL;
    const auto pair = [&](MPI_Datatype value, MPI_Datatype index) {
        EXPECT_MPI_OK(MPI_Type_get_value_index(value, index, &type));
        return type;
    };
    EXPECT_TRUE(pair(MPI_DOUBLE, MPI_INT) == MPI_DOUBLE_INT);
    EXPECT_TRUE(pair(MPI_INT, MPI_INT) == MPI_2INT);
    EXPECT_TRUE(pair(MPI_LONG, MPI_INT) == MPI_LONG_INT);
    EXPECT_TRUE(pair(MPI_REAL, MPI_REAL) == MPI_2REAL);
    EXPECT_TRUE(pair(MPI_INTEGER, MPI_INTEGER) == MPI_2INTEGER);
    EXPECT_TRUE(pair(MPI_C_DOUBLE_COMPLEX, MPI_INT) == MPI_DATATYPE_NULL);
    EXPECT_TRUE(pair(MPI_DOUBLE, MPI_DOUBLE) == MPI_DATATYPE_NULL);
    EXPECT_TRUE(pair(MPI_DOUBLE, MPI_BYTE) == MPI_DATATYPE_NULL);

    struct Located {
        float value;
        std::int64_t index;
    };
    pair(MPI_FLOAT, MPI_INT64_T);
    ASSERT_FALSE(type == MPI_DATATYPE_NULL);
    const MPI_Datatype first = type;
    EXPECT_TRUE(pair(MPI_FLOAT, MPI_INT64_T) == first);
    EXPECT_EQ(Bounds(type), Bounds(0, sizeof(Located), 0, sizeof(Located)));
    std::array<Located, 3> in{};
    std::array<Located, 3> out{};
    for (int i = 0; i < 3; ++i) {
        in[static_cast<std::size_t>(i)] = {static_cast<float>((rank() + i) % size()),
                                           (std::int64_t{1} << 40) + rank()};
    }
    MPI_OK(MPI_Allreduce(in.data(), out.data(), 3, type, MPI_MINLOC, comm()));
    for (int i = 0; i < 3; ++i) {
        const Located& found = out[static_cast<std::size_t>(i)];
        EXPECT_EQ(found.value, 0);
        EXPECT_EQ(found.index, (std::int64_t{1} << 40) + (size() - i % size()) % size());
    }
    MPI_OK(MPI_Allreduce(in.data(), out.data(), 3, type, MPI_MAXLOC, comm()));
    EXPECT_EQ(out[0].value, static_cast<float>(size() - 1));
    EXPECT_EQ(out[0].index, (std::int64_t{1} << 40) + size() - 1);
    int elements = -1;
    MPI_Status status;
    MPI_OK(MPI_Sendrecv(in.data(), 3, type, next(), 1, out.data(), 3, type, previous(), 1, comm(),
                        &status));
    MPI_OK(MPI_Get_elements(&status, type, &elements));
    EXPECT_EQ(elements, 6);
}
#endif

}  // namespace
