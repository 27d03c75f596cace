// Life and use of types: free while in use, commit twice, packing several things into one message,
// the same signature written differently, large strided transfers, the names that MPI-3 removed.
#include "test/conformance/datatype_model.hpp"

namespace {

using mpitest::Bytes;
using mpitest::to_int;

class TypeLife : public mpitest::MpiTest {};
class TypeUse : public mpitest::MpiTest {};

TEST_F(TypeLife, FreeSetsTheHandleToNull) {
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(2, MPI_INT, &type));
    MPI_OK(MPI_Type_free(&type));
    EXPECT_TRUE(type == MPI_DATATYPE_NULL);
}

TEST_F(TypeLife, CommitTwiceIsAllowed) {
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(3, 1, 2, MPI_INT, &type));
    const MPI_Datatype before = type;
    MPI_OK(MPI_Type_commit(&type));
    MPI_OK(MPI_Type_commit(&type));
    EXPECT_TRUE(type == before);
    MPI_OK(MPI_Type_free(&type));
}

TEST_F(TypeLife, AnUncommittedTypeCanBeBuiltUpon) {
    MPI_Datatype inner = MPI_DATATYPE_NULL;
    MPI_Datatype outer = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(2, 1, 2, MPI_INT, &inner));
    MPI_OK(MPI_Type_contiguous(2, inner, &outer));
    MPI_OK(MPI_Type_commit(&outer));
    MPI_OK(MPI_Type_free(&inner));
    const std::array<int, 6> sent{1, 2, 3, 4, 5, 6};
    std::array<int, 4> received{};
    MPI_OK(MPI_Sendrecv(sent.data(), 1, outer, next(), 1, received.data(), 4, MPI_INT, previous(),
                        1, comm(), MPI_STATUS_IGNORE));
    EXPECT_EQ(received, (std::array<int, 4>{1, 3, 4, 6}));
    MPI_OK(MPI_Type_free(&outer));
}

TEST_F(TypeLife, FreeWhileATransferIsPending) {
    constexpr int kInts = 200'000;
    for (const int count : {10, kInts}) {
        SCOPED_TRACE(count);
        MPI_Datatype type = MPI_DATATYPE_NULL;
        MPI_OK(MPI_Type_vector(count, 1, 2, MPI_INT, &type));
        MPI_OK(MPI_Type_commit(&type));
        std::vector<int> sent(2 * static_cast<std::size_t>(count));
        std::vector<int> received(sent.size(), -1);
        for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = to_int(i);
        std::array<MPI_Request, 2> requests{};
        MPI_OK(MPI_Irecv(received.data(), 1, type, previous(), 1, comm(), &requests[0]));
        MPI_OK(MPI_Isend(sent.data(), 1, type, next(), 1, comm(), &requests[1]));
        MPI_OK(MPI_Type_free(&type));
        MPI_OK(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
        for (std::size_t i = 0; i < sent.size(); ++i)
            ASSERT_EQ(received[i], i % 2 == 0 ? to_int(i) : -1) << i;
    }
}

TEST_F(TypeLife, APersistentRequestKeepsItsType) {
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(3, 1, 2, MPI_INT, &type));
    MPI_OK(MPI_Type_commit(&type));
    std::array<int, 6> sent{1, 2, 3, 4, 5, 6};
    std::array<int, 3> received{};
    std::array<MPI_Request, 2> requests{};
    MPI_OK(MPI_Recv_init(received.data(), 3, MPI_INT, previous(), 1, comm(), &requests[0]));
    MPI_OK(MPI_Send_init(sent.data(), 1, type, next(), 1, comm(), &requests[1]));
    MPI_OK(MPI_Type_free(&type));
    for (int round = 0; round < 3; ++round) {
        sent[2] = 30 + round;
        MPI_OK(MPI_Startall(2, requests.data()));
        MPI_OK(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
        EXPECT_EQ(received, (std::array<int, 3>{1, 30 + round, 5}));
    }
    MPI_OK(MPI_Request_free(&requests[0]));
    MPI_OK(MPI_Request_free(&requests[1]));
}

TEST_F(TypeLife, ManyTypesComeAndGo) {
    for (int round = 0; round < 3000; ++round) {
        MPI_Datatype type = MPI_DATATYPE_NULL;
        MPI_OK(MPI_Type_vector(1 + round % 10, 1, 2, MPI_DOUBLE, &type));
        MPI_OK(MPI_Type_commit(&type));
        MPI_OK(MPI_Type_free(&type));
    }
}

TEST_F(TypeUse, SeveralThingsInOnePackedMessage) {
    const int number = 42 + rank();
    const std::vector<double> values(1000, 1.25);
    const std::string text = "packed";
    int room = 0;
    for (const auto& [count, type] : std::initializer_list<std::pair<int, MPI_Datatype>>{
             {1, MPI_INT}, {1000, MPI_DOUBLE}, {to_int(text.size()), MPI_CHAR}}) {
        int part = 0;
        MPI_OK(MPI_Pack_size(count, type, comm(), &part));
        room += part;
    }
    Bytes packed(static_cast<std::size_t>(room));
    int position = 0;
    MPI_OK(MPI_Pack(&number, 1, MPI_INT, packed.data(), room, &position, comm()));
    MPI_OK(MPI_Pack(values.data(), 1000, MPI_DOUBLE, packed.data(), room, &position, comm()));
    MPI_OK(MPI_Pack(text.data(), to_int(text.size()), MPI_CHAR, packed.data(), room, &position,
                    comm()));
    EXPECT_LE(position, room);

    Bytes received(static_cast<std::size_t>(room));
    MPI_Status status;
    MPI_OK(MPI_Sendrecv(packed.data(), position, MPI_PACKED, next(), 1, received.data(), room,
                        MPI_PACKED, previous(), 1, comm(), &status));
    int count = -1;
    MPI_OK(MPI_Get_count(&status, MPI_PACKED, &count));
    EXPECT_EQ(count, position);

    int number_in = 0;
    std::vector<double> values_in(1000);
    std::string text_in(text.size(), '?');
    position = 0;
    MPI_OK(MPI_Unpack(received.data(), count, &position, &number_in, 1, MPI_INT, comm()));
    MPI_OK(
        MPI_Unpack(received.data(), count, &position, values_in.data(), 1000, MPI_DOUBLE, comm()));
    MPI_OK(MPI_Unpack(received.data(), count, &position, text_in.data(), to_int(text.size()),
                      MPI_CHAR, comm()));
    EXPECT_EQ(position, count);
    EXPECT_EQ(number_in, 42 + previous());
    EXPECT_EQ(values_in, values);
    EXPECT_EQ(text_in, text);
}

TEST_F(TypeUse, PackedMessageReceivedAsItsTypes) {
    const std::array<int, 4> sent{1, 2, 3, 4};
    Bytes packed(1000);
    int position = 0;
    MPI_OK(MPI_Pack(sent.data(), 4, MPI_INT, packed.data(), 1000, &position, comm()));
    std::array<int, 4> received{};
    MPI_OK(MPI_Sendrecv(packed.data(), position, MPI_PACKED, next(), 1, received.data(), 4, MPI_INT,
                        previous(), 1, comm(), MPI_STATUS_IGNORE));
    EXPECT_EQ(received, sent);
}

// A matrix column by column on one side, row by row on the other: a transpose in one message.
TEST_F(TypeUse, TransposeInOneMessage) {
    constexpr int kRows = 300;
    constexpr int kColumns = 500;  // 1.2 MB
    MPI_Datatype column = MPI_DATATYPE_NULL;
    MPI_Datatype transposed = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(kRows, 1, kColumns, MPI_DOUBLE, &column));
    MPI_OK(MPI_Type_create_hvector(kColumns, 1, sizeof(double), column, &transposed));
    MPI_OK(MPI_Type_commit(&transposed));
    MPI_OK(MPI_Type_free(&column));
    std::vector<double> sent(kRows * kColumns);
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<double>(i);
    std::vector<double> received(sent.size());
    for (const bool strided_send : {true, false}) {
        SCOPED_TRACE(strided_send ? "strided send" : "strided receive");
        MPI_OK(MPI_Sendrecv(sent.data(), strided_send ? 1 : kRows * kColumns,
                            strided_send ? transposed : MPI_DOUBLE, next(), 1, received.data(),
                            strided_send ? kRows * kColumns : 1,
                            strided_send ? MPI_DOUBLE : transposed, previous(), 1, comm(),
                            MPI_STATUS_IGNORE));
        for (std::size_t row = 0; row < kRows; ++row)
            for (std::size_t col = 0; col < kColumns; ++col) {
                const std::size_t here = row * kColumns + col;
                const std::size_t there = col * kRows + row;
                ASSERT_EQ(strided_send ? received[there] : received[here],
                          strided_send ? sent[here] : sent[there]);
            }
    }
    MPI_OK(MPI_Type_free(&transposed));
}

// The same signature (6 ints) in three disguises, sent as each, received as each other.
TEST_F(TypeUse, EqualSignaturesMatch) {
    using namespace datatype;
    const Type integer = basic<int>(MPI_INT);
    std::vector<Type> types{contiguous(6, integer), datatype::vector(3, 2, 4, integer),
                            hindexed({1, 5}, {64, 0}, integer)};
    for (Type& type : types) type.commit();
    for (const Type& from : types) {
        for (const Type& to : types) {
            Memory source(from.model(), 1);
            mpitest::fill_pattern(source.bytes(), 8);
            Memory target(to.model(), 1);
            Memory expected = target;
            scatter(gathered(source, from.model(), 1), to.model(), 1, expected);
            MPI_OK(MPI_Sendrecv(source.buffer(), 1, from.handle(), next(), 1, target.buffer(), 1,
                                to.handle(), previous(), 1, comm(), MPI_STATUS_IGNORE));
            EXPECT_TRUE(same_bytes(target.bytes(), expected.bytes()));
        }
    }
}

TEST_F(TypeUse, PackBeyondTheRoomIsAnError) {
    const std::array<int, 4> sent{};
    Bytes packed(16);
    int position = 8;
    const int result = MPI_Pack(sent.data(), 4, MPI_INT, packed.data(), 16, &position, comm());
    EXPECT_NE(result, MPI_SUCCESS);
}

TEST_F(TypeUse, UnpackBeyondTheEndIsAnError) {
    SKIP_ON_PEER(kMpich, "does not check");
    std::array<int, 4> values{};
    const Bytes packed(12);
    int position = 0;
    const int result = MPI_Unpack(packed.data(), 12, &position, values.data(), 4, MPI_INT, comm());
    EXPECT_NE(result, MPI_SUCCESS);
}

// Old programs call the names of MPI-1 that MPI-3 removed. Each is tried where the header declares
// it: a template, so that a missing function is a branch not taken rather than an error.
#ifndef OPEN_MPI  // there they are macros that stop the compiler
template <class Int>
bool try_removed_names(Int two) {
    if constexpr (requires(MPI_Datatype type, MPI_Aint aint, int* lengths) {
                      MPI_Type_hvector(two, two, aint, type, &type);
                      MPI_Type_hindexed(two, lengths, &aint, type, &type);
                      MPI_Type_struct(two, lengths, &aint, &type, &type);
                      MPI_Type_extent(type, (aint + two, &aint));
                      MPI_Type_lb(type, (aint + two, &aint));
                      MPI_Type_ub(type, (aint + two, &aint));
                      MPI_Address((two, lengths), &aint);
                  }) {
        MPI_Datatype type = MPI_DATATYPE_NULL;
        MPI_Aint value = -1;
        MPI_Aint addresses[2] = {-1, -1};
        int numbers[2] = {0, 0};
        EXPECT_MPI_OK(MPI_Address((void(two), &numbers[0]), &addresses[0]));
        EXPECT_MPI_OK(MPI_Address((void(two), &numbers[1]), &addresses[1]));
        EXPECT_EQ(addresses[1] - addresses[0], static_cast<MPI_Aint>(sizeof(int)));

        EXPECT_MPI_OK(MPI_Type_hvector(two, 1, 16, MPI_INT, &type));
        EXPECT_MPI_OK(MPI_Type_extent((void(two), type), &value));
        EXPECT_EQ(value, 20);
        EXPECT_MPI_OK(MPI_Type_free(&type));

        int lengths[2] = {1, 1};
        MPI_Aint displacements[2] = {8, 32};
        EXPECT_MPI_OK(MPI_Type_hindexed(two, lengths, displacements, MPI_INT, &type));
        EXPECT_MPI_OK(MPI_Type_lb((void(two), type), &value));
        EXPECT_EQ(value, 8);
        EXPECT_MPI_OK(MPI_Type_ub((void(two), type), &value));
        EXPECT_EQ(value, 36);
        EXPECT_MPI_OK(MPI_Type_free(&type));

        MPI_Datatype types[2] = {MPI_INT, MPI_DOUBLE};
        EXPECT_MPI_OK(MPI_Type_struct(two, lengths, displacements, types, &type));
        EXPECT_MPI_OK(MPI_Type_extent((void(two), type), &value));
        EXPECT_EQ(value, 32);
        EXPECT_MPI_OK(MPI_Type_free(&type));
        return true;
    } else {
        return false;
    }
}

TEST_F(TypeUse, RemovedNamesStillWork) {
    if (!try_removed_names(2)) GTEST_SKIP() << "this header does not declare them";
}
#endif

}  // namespace
