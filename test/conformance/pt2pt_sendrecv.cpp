// Sendrecv and Sendrecv_replace; MPI_PROC_NULL as a partner; what a status tells (Get_count,
// Get_elements).
#include "test/conformance/pt2pt.hpp"

namespace {

using mpitest::Bytes;
using mpitest::to_int;

class Sendrecv : public mpitest::MpiTest {};
class ProcNull : public mpitest::MpiTest {};
class StatusCount : public mpitest::MpiTest {};

TEST_F(Sendrecv, ShiftsAroundTheRing) {
    for (const std::size_t size_bytes : mpitest::protocol_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = mpitest::pattern(size_bytes, static_cast<std::uint32_t>(rank()));
        Bytes received(size_bytes);
        MPI_Status status;
        MPI_OK(MPI_Sendrecv(sent.data(), to_int(size_bytes), MPI_BYTE, next(), rank(),
                            received.data(), to_int(size_bytes), MPI_BYTE, previous(), previous(),
                            comm(), &status));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes,
                                        static_cast<std::uint32_t>(previous())));
        EXPECT_TRUE(pt2pt::status_is(status, previous(), previous(), size_bytes));
    }
}

TEST_F(Sendrecv, DifferentSizesAndTypesEachWay) {
    // Each sends rank + 1 ints and receives bytes.
    const std::vector<int> sent(static_cast<std::size_t>(rank()) + 1, rank());
    std::vector<int> received(static_cast<std::size_t>(size()), -1);
    MPI_Status status;
    MPI_OK(MPI_Sendrecv(sent.data(), rank() + 1, MPI_INT, next(), 1, received.data(), size(),
                        MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &status));
    int count = -1;
    MPI_OK(MPI_Get_count(&status, MPI_INT, &count));
    EXPECT_EQ(count, previous() + 1);
    EXPECT_EQ(status.MPI_SOURCE, previous());
    for (int i = 0; i < count; ++i) EXPECT_EQ(received[static_cast<std::size_t>(i)], previous());
}

TEST_F(Sendrecv, ReplaceRotatesInPlace) {
    for (const std::size_t size_bytes : mpitest::protocol_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        Bytes data = mpitest::pattern(size_bytes, static_cast<std::uint32_t>(rank()));
        MPI_Status status;
        MPI_OK(MPI_Sendrecv_replace(data.data(), to_int(size_bytes), MPI_BYTE, next(), 3,
                                    previous(), 3, comm(), &status));
        EXPECT_TRUE(
            mpitest::is_pattern(data.data(), size_bytes, static_cast<std::uint32_t>(previous())));
        EXPECT_TRUE(pt2pt::status_is(status, previous(), 3, size_bytes));
    }
}

TEST_F(Sendrecv, ReplaceOfAStridedTypeLeavesTheGaps) {
    constexpr int kBlocks = 20'000;
    MPI_Datatype strided = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(kBlocks, 1, 3, MPI_INT, &strided));
    MPI_OK(MPI_Type_commit(&strided));
    std::vector<int> data(3 * kBlocks);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = to_int(i) * size() + rank();
    MPI_OK(MPI_Sendrecv_replace(data.data(), 1, strided, next(), 3, previous(), 3, comm(),
                                MPI_STATUS_IGNORE));
    for (std::size_t i = 0; i < data.size(); ++i)
        ASSERT_EQ(data[i], to_int(i) * size() + (i % 3 == 0 ? previous() : rank())) << i;
    MPI_OK(MPI_Type_free(&strided));
}

TEST_F(Sendrecv, MatchesOrdinarySendAndReceive) {
    NEED_RANKS(2);
    if (rank() > 1) return;
    int value = -1;
    if (rank() == 0) {
        const int sent = 11;
        MPI_OK(MPI_Sendrecv(&sent, 1, MPI_INT, 1, 1, &value, 1, MPI_INT, 1, 2, comm(),
                            MPI_STATUS_IGNORE));
        EXPECT_EQ(value, 22);
    } else {
        MPI_OK(MPI_Recv(&value, 1, MPI_INT, 0, 1, comm(), MPI_STATUS_IGNORE));
        EXPECT_EQ(value, 11);
        const int sent = 22;
        MPI_OK(MPI_Send(&sent, 1, MPI_INT, 0, 2, comm()));
    }
}

TEST_F(ProcNull, ReceivesComplete) {
    SKIP_ON_PEER(kMpich, "the status of a request to MPI_PROC_NULL is not the standard's");
    int value = 123;
    MPI_Status status;
    MPI_OK(MPI_Recv(&value, 1, MPI_INT, MPI_PROC_NULL, 1, comm(), &status));
    EXPECT_TRUE(pt2pt::status_is_proc_null(status));
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&value, 1, MPI_INT, MPI_PROC_NULL, MPI_ANY_TAG, comm(), &request));
    MPI_OK(MPI_Wait(&request, &status));
    EXPECT_TRUE(pt2pt::status_is_proc_null(status));
    MPI_OK(MPI_Recv_init(&value, 1, MPI_INT, MPI_PROC_NULL, 1, comm(), &request));
    for (int round = 0; round < 3; ++round) {
        MPI_OK(MPI_Start(&request));
        MPI_OK(MPI_Wait(&request, &status));
        EXPECT_TRUE(pt2pt::status_is_proc_null(status));
    }
    MPI_OK(MPI_Request_free(&request));
    EXPECT_EQ(value, 123);
}

TEST_F(ProcNull, SendrecvWithOneSideMissing) {
    // A line, not a ring: the ends talk to nobody.
    const int left = rank() == 0 ? MPI_PROC_NULL : rank() - 1;
    const int right = rank() == size() - 1 ? MPI_PROC_NULL : rank() + 1;
    const int sent = rank();
    int received = -1;
    MPI_Status status;
    MPI_OK(
        MPI_Sendrecv(&sent, 1, MPI_INT, right, 1, &received, 1, MPI_INT, left, 1, comm(), &status));
    EXPECT_EQ(received, rank() - 1);  // -1, untouched, at the left end
    EXPECT_TRUE(rank() == 0 ? pt2pt::status_is_proc_null(status)
                            : pt2pt::status_is(status, rank() - 1, 1, sizeof(int)));
    int value = rank();
    MPI_OK(MPI_Sendrecv_replace(&value, 1, MPI_INT, left, 2, right, 2, comm(), &status));
    EXPECT_EQ(value, rank() == size() - 1 ? rank() : rank() + 1);
    value = 5;
    MPI_OK(MPI_Sendrecv_replace(&value, 1, MPI_INT, MPI_PROC_NULL, 2, MPI_PROC_NULL, 2, comm(),
                                &status));
    EXPECT_EQ(value, 5);
    EXPECT_TRUE(pt2pt::status_is_proc_null(status));
}

TEST_F(StatusCount, WholeAndPartialElements) {
    const Bytes sent(10);
    Bytes received(100);
    MPI_Status status;
    MPI_OK(MPI_Sendrecv(sent.data(), 10, MPI_BYTE, next(), 1, received.data(), 100, MPI_BYTE,
                        previous(), 1, comm(), &status));
    int count = -1;
    MPI_OK(MPI_Get_count(&status, MPI_BYTE, &count));
    EXPECT_EQ(count, 10);
    MPI_OK(MPI_Get_count(&status, MPI_SHORT, &count));
    EXPECT_EQ(count, 5);
    MPI_OK(MPI_Get_count(&status, MPI_INT, &count));
    EXPECT_EQ(count, MPI_UNDEFINED) << "10 bytes are no whole number of ints";
}

TEST_F(StatusCount, ElementsOfADerivedType) {
    MPI_Datatype triple = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(3, MPI_INT, &triple));
    MPI_OK(MPI_Type_commit(&triple));
    for (int ints = 0; ints <= 12; ++ints) {
        SCOPED_TRACE(ints);
        const std::vector<int> sent(12, 1);
        std::vector<int> received(12, 0);
        MPI_Status status;
        MPI_OK(MPI_Sendrecv(sent.data(), ints, MPI_INT, next(), 1, received.data(), 4, triple,
                            previous(), 1, comm(), &status));
        int elements = -1;
        MPI_OK(MPI_Get_elements(&status, triple, &elements));
        EXPECT_EQ(elements, ints);
        int count = -1;
        MPI_OK(MPI_Get_count(&status, triple, &count));
        EXPECT_EQ(count, ints % 3 == 0 ? ints / 3 : MPI_UNDEFINED);
    }
    MPI_OK(MPI_Type_free(&triple));
}

TEST_F(StatusCount, ElementsOfAStructOfMixedTypes) {
    // One char and two doubles an element: the number of basic elements in the last, partial struct
    // depends on how far the message reaches.
    const std::array<int, 2> lengths{1, 2};
    const std::array<MPI_Aint, 2> displacements{0, 8};
    const std::array<MPI_Datatype, 2> types{MPI_CHAR, MPI_DOUBLE};
    MPI_Datatype mixed = MPI_DATATYPE_NULL;
    MPI_Datatype head = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_struct(2, lengths.data(), displacements.data(), types.data(), &mixed));
    const std::array<int, 2> head_lengths{1, 1};
    MPI_OK(
        MPI_Type_create_struct(2, head_lengths.data(), displacements.data(), types.data(), &head));
    MPI_OK(MPI_Type_commit(&mixed));
    MPI_OK(MPI_Type_commit(&head));
    const Bytes sent(96);
    Bytes received(96);
    MPI_Status status;
    int elements = -1;
    int count = -1;
    MPI_OK(MPI_Sendrecv(sent.data(), 3, mixed, next(), 1, received.data(), 4, mixed, previous(), 1,
                        comm(), &status));
    MPI_OK(MPI_Get_elements(&status, mixed, &elements));
    MPI_OK(MPI_Get_count(&status, mixed, &count));
    EXPECT_EQ(elements, 9);
    EXPECT_EQ(count, 3);
    MPI_OK(MPI_Sendrecv(sent.data(), 1, head, next(), 1, received.data(), 4, mixed, previous(), 1,
                        comm(), &status));
    MPI_OK(MPI_Get_elements(&status, mixed, &elements));
    MPI_OK(MPI_Get_count(&status, mixed, &count));
    EXPECT_EQ(elements, 2);
    EXPECT_EQ(count, MPI_UNDEFINED);
    MPI_OK(MPI_Type_free(&mixed));
    MPI_OK(MPI_Type_free(&head));
}

TEST_F(StatusCount, EmptyTypeCountsZero) {
    MPI_Datatype empty = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(0, MPI_INT, &empty));
    MPI_OK(MPI_Type_commit(&empty));
    MPI_Status status;
    MPI_OK(MPI_Sendrecv(nullptr, 5, empty, next(), 1, nullptr, 5, empty, previous(), 1, comm(),
                        &status));
    int count = -1;
    MPI_OK(MPI_Get_count(&status, empty, &count));
    EXPECT_EQ(count, 0);
    MPI_OK(MPI_Get_count(&status, MPI_INT, &count));
    EXPECT_EQ(count, 0);
    int elements = -1;
    MPI_OK(MPI_Get_elements(&status, MPI_INT, &elements));
    EXPECT_EQ(elements, 0);
    MPI_OK(MPI_Type_free(&empty));
}

TEST_F(StatusCount, IgnoredStatusesAreAccepted) {
    const int sent = 1;
    int received = 0;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&received, 1, MPI_INT, previous(), 1, comm(), &request));
    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 1, comm()));
    MPI_OK(MPI_Waitall(1, &request, MPI_STATUSES_IGNORE));
    EXPECT_EQ(received, 1);
}

}  // namespace
