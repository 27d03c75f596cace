// Isendrecv and Isendrecv_replace (MPI-4.0); the forms of Request_get_status (MPI-2, MPI-4.1).
#include "test/conformance/errors.hpp"
#include "test/conformance/pt2pt.hpp"

#define SINCE(version, subversion) \
    (MPI_VERSION > (version) || (MPI_VERSION == (version) && MPI_SUBVERSION >= (subversion)))

namespace {

using mpitest::Bytes;
using mpitest::to_int;

class Isendrecv : public mpitest::MpiTest {};
class GetStatus : public mpitest::MpiTest {};
class GetStatusErrors : public errors::ErrorTest {};

#if SINCE(4, 0)

TEST_F(Isendrecv, ShiftsAroundTheRing) {
    for (const std::size_t size_bytes : mpitest::protocol_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = mpitest::pattern(size_bytes, static_cast<std::uint32_t>(rank()));
        Bytes received(size_bytes);
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(MPI_Isendrecv(sent.data(), to_int(size_bytes), MPI_BYTE, next(), rank(),
                             received.data(), to_int(size_bytes), MPI_BYTE, previous(), previous(),
                             comm(), &request));
        MPI_Status status;
        MPI_OK(MPI_Wait(&request, &status));
        EXPECT_TRUE(request == MPI_REQUEST_NULL);
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes,
                                        static_cast<std::uint32_t>(previous())));
        EXPECT_TRUE(pt2pt::status_is(status, previous(), previous(), size_bytes));

        MPI_OK(MPI_Isendrecv_replace(received.data(), to_int(size_bytes), MPI_BYTE, next(), 3,
                                     MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &request));
        MPI_OK(MPI_Wait(&request, &status));
        EXPECT_TRUE(pt2pt::status_is(status, previous(), 3, size_bytes));
        const int origin = (previous() + size() - 1) % size();
        EXPECT_TRUE(
            mpitest::is_pattern(received.data(), size_bytes, static_cast<std::uint32_t>(origin)));
    }
}

TEST_F(Isendrecv, ManyAtOnceCompleteInAnyOrder) {
    constexpr std::size_t kPairs = 20;
    std::vector<int> sent(kPairs);
    std::vector<int> received(kPairs, -1);
    std::vector<MPI_Request> requests(kPairs, MPI_REQUEST_NULL);
    for (std::size_t i = 0; i < kPairs; ++i) {
        sent[i] = rank() * 100 + to_int(i);
        const int tag = to_int(kPairs - i);
        MPI_OK(MPI_Isendrecv(&sent[i], 1, MPI_INT, next(), tag, &received[i], 1, MPI_INT,
                             previous(), tag, comm(), &requests[i]));
    }
    for (std::size_t i = 0; i < kPairs; ++i) {
        int index = -1;
        MPI_Status status;
        MPI_OK(MPI_Waitany(kPairs, requests.data(), &index, &status));
        ASSERT_NE(index, MPI_UNDEFINED);
        EXPECT_EQ(received[static_cast<std::size_t>(index)], previous() * 100 + index);
        EXPECT_TRUE(pt2pt::status_is(status, previous(), to_int(kPairs) - index, sizeof(int)));
    }
}

TEST_F(Isendrecv, MatchesOrdinaryCalls) {
    int received = -1;
    int other = -1;
    const int sent = rank() + 50;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Isendrecv(&sent, 1, MPI_INT, next(), 1, &received, 1, MPI_INT, previous(), 2, comm(),
                         &request));
    MPI_OK(MPI_Sendrecv(&sent, 1, MPI_INT, next(), 2, &other, 1, MPI_INT, previous(), 1, comm(),
                        MPI_STATUS_IGNORE));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_EQ(received, previous() + 50);
    EXPECT_EQ(other, previous() + 50);
}

TEST_F(Isendrecv, WithProcNull) {
    int received = -1;
    const int sent = rank();
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Status status;
    MPI_OK(MPI_Isendrecv(&sent, 1, MPI_INT, MPI_PROC_NULL, 1, &received, 1, MPI_INT, MPI_PROC_NULL,
                         2, comm(), &request));
    MPI_OK(MPI_Wait(&request, &status));
    EXPECT_TRUE(pt2pt::status_is_proc_null(status));
    // One half each.
    std::array<MPI_Request, 2> halves{};
    MPI_OK(MPI_Isendrecv(&sent, 1, MPI_INT, next(), 1, nullptr, 0, MPI_INT, MPI_PROC_NULL, 2,
                         comm(), &halves[0]));
    MPI_OK(MPI_Isendrecv_replace(&received, 1, MPI_INT, MPI_PROC_NULL, 1, previous(), 1, comm(),
                                 &halves[1]));
    std::array<MPI_Status, 2> statuses;
    MPI_OK(MPI_Waitall(2, halves.data(), statuses.data()));
    EXPECT_TRUE(pt2pt::status_is_proc_null(statuses[0]));
    EXPECT_TRUE(pt2pt::status_is(statuses[1], previous(), 1, sizeof(int)));
    EXPECT_EQ(received, previous());
}

TEST_F(Isendrecv, TypesAndRequestMayBeFreedWhilePending) {
    constexpr int kBlocks = 20'000;
    MPI_Datatype strided = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(kBlocks, 1, 2, MPI_INT, &strided));
    MPI_OK(MPI_Type_commit(&strided));
    std::vector<int> sent(2 * kBlocks, rank());
    std::vector<int> received(2 * kBlocks, -1);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Isendrecv(sent.data(), 1, strided, next(), 1, received.data(), 1, strided,
                         previous(), 1, comm(), &request));
    MPI_OK(MPI_Type_free(&strided));
    MPI_OK(MPI_Request_free(&request));
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
    // A pair that was started later and is complete: the freed one's messages came before.
    std::vector<int> last(2 * kBlocks, rank());
    MPI_OK(MPI_Sendrecv_replace(last.data(), 2 * kBlocks, MPI_INT, next(), 2, previous(), 2, comm(),
                                MPI_STATUS_IGNORE));
    for (int i = 0; i < 1000 && received[2 * kBlocks - 2] != previous(); ++i) {
        int flag = 0;
        MPI_OK(MPI_Iprobe(MPI_ANY_SOURCE, 99, comm(), &flag, MPI_STATUS_IGNORE));
        mpitest::sleep_ms(1);
    }
    for (std::size_t i = 0; i + 1 < received.size(); ++i)
        ASSERT_EQ(received[i], i % 2 == 0 ? previous() : -1) << i;
    MPI_OK(MPI_Barrier(comm()));
}

TEST_F(Isendrecv, TruncationIsAnErrorOfTheWait) {
    const std::array<int, 4> sent{1, 2, 3, 4};
    std::array<int, 4> received{-1, -1, -1, -1};
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Isendrecv(sent.data(), 4, MPI_INT, next(), 1, received.data(), 2, MPI_INT,
                         previous(), 1, comm(), &request));
    EXPECT_MPI_CLASS(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_ERR_TRUNCATE);
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
    EXPECT_EQ(received, (std::array<int, 4>{1, 2, -1, -1}));
}

TEST_F(Isendrecv, CancelOfAReceiveThatNothingMatches) {
    FATHOM_ONLY("others do not cancel it");
    int received = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Isendrecv(nullptr, 0, MPI_INT, MPI_PROC_NULL, 1, &received, 1, MPI_INT, previous(),
                         1, comm(), &request));
    MPI_OK(MPI_Cancel(&request));
    MPI_Status status;
    int cancelled = 0;
    MPI_OK(MPI_Wait(&request, &status));
    MPI_OK(MPI_Test_cancelled(&status, &cancelled));
    EXPECT_NE(cancelled, 0);
}

TEST_F(GetStatusErrors, IsendrecvArguments) {
    std::array<int, 2> data{};
    int* const d = data.data();
    MPI_Request request = MPI_REQUEST_NULL;
    const MPI_Comm c = comm();
    const int n = size();
    const auto call = [&](int sendcount, MPI_Datatype sendtype, int dest, int sendtag,
                          int recvcount, MPI_Datatype recvtype, int source, int recvtag) {
        return MPI_Isendrecv(d, sendcount, sendtype, dest, sendtag, d + 1, recvcount, recvtype,
                             source, recvtag, c, &request);
    };
    const auto replace = [&](int count, MPI_Datatype type, int dest, int sendtag, int source,
                             int recvtag) {
        return MPI_Isendrecv_replace(d, count, type, dest, sendtag, source, recvtag, c, &request);
    };
    const MPI_Datatype t = MPI_INT;
    run({
        {"send count", MPI_ERR_COUNT, [&] { return call(-1, t, 0, 1, 1, t, 0, 1); }},
        {"recv count", MPI_ERR_COUNT, [&] { return call(1, t, 0, 1, -1, t, 0, 1); }},
        {"send type", MPI_ERR_TYPE, [&] { return call(1, MPI_DATATYPE_NULL, 0, 1, 1, t, 0, 1); }},
        {"recv type", MPI_ERR_TYPE, [&] { return call(1, t, 0, 1, 1, MPI_DATATYPE_NULL, 0, 1); }},
        {"dest", MPI_ERR_RANK, [&] { return call(1, t, n, 1, 1, t, 0, 1); }},
        {"source", MPI_ERR_RANK, [&] { return call(1, t, 0, 1, 1, t, n, 1); }},
        {"send tag", MPI_ERR_TAG, [&] { return call(1, t, 0, MPI_ANY_TAG, 1, t, 0, 1); }},
        {"recv tag", MPI_ERR_TAG, [&] { return call(1, t, 0, 1, 1, t, 0, -77); }},
        {"replace count", MPI_ERR_COUNT, [&] { return replace(-1, t, 0, 1, 0, 1); }},
        {"replace dest", MPI_ERR_RANK, [&] { return replace(1, t, -77, 1, 0, 1); }},
        {"replace source", MPI_ERR_RANK, [&] { return replace(1, t, 0, 1, n, 1); }},
        {"replace tag", MPI_ERR_TAG, [&] { return replace(1, t, 0, -77, 0, 1); }},
        {"replace null comm", MPI_ERR_COMM,
         [&] { return MPI_Isendrecv_replace(d, 1, t, 0, 1, 0, 1, MPI_COMM_NULL, &request); }},
    });
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
}

#endif

TEST_F(GetStatus, LeavesTheRequest) {
    int received = -1;
    const int sent = rank();
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&received, 1, MPI_INT, previous(), 5, comm(), &request));
    const MPI_Request before = request;
    int flag = 1;
    MPI_Status status;
    MPI_OK(MPI_Request_get_status(request, &flag, &status));
    EXPECT_EQ(flag, 0);
    MPI_OK(MPI_Barrier(comm()));
    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 5, comm()));
    flag = 0;
    while (flag == 0) MPI_OK(MPI_Request_get_status(request, &flag, &status));
    EXPECT_TRUE(pt2pt::status_is(status, previous(), 5, sizeof(int)));
    MPI_OK(MPI_Request_get_status(request, &flag, MPI_STATUS_IGNORE));
    EXPECT_NE(flag, 0);
    EXPECT_TRUE(request == before);
    MPI_OK(MPI_Wait(&request, &status));
    EXPECT_TRUE(pt2pt::status_is(status, previous(), 5, sizeof(int)));
    EXPECT_EQ(received, previous());
}

TEST_F(GetStatus, OfNullAndInactiveRequestsIsEmpty) {
    int value = 0;
    MPI_Request inactive = MPI_REQUEST_NULL;
    MPI_OK(MPI_Recv_init(&value, 1, MPI_INT, previous(), 1, comm(), &inactive));
    for (const MPI_Request request : {MPI_Request(MPI_REQUEST_NULL), inactive}) {
        int flag = 0;
        MPI_Status status;
        MPI_OK(MPI_Request_get_status(request, &flag, &status));
        EXPECT_NE(flag, 0);
        EXPECT_TRUE(pt2pt::status_is_empty(status));
    }
    MPI_OK(MPI_Request_free(&inactive));
}

#if SINCE(4, 1)

TEST_F(GetStatus, OfSeveral) {
    std::array<int, 3> received{-1, -1, -1};
    const int sent = rank();
    std::array<MPI_Request, 4> requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL,
                                        MPI_REQUEST_NULL};
    for (std::size_t i = 0; i < 3; ++i)
        MPI_OK(MPI_Irecv(&received[i], 1, MPI_INT, previous(), to_int(i), comm(),
                         &requests[i + (i == 0 ? 0 : 1)]));  // [1] stays null
    const auto before = requests;
    int flag = 1;
    int index = -1;
    int count = -1;
    std::array<int, 4> indices{};
    MPI_Status status;
    std::array<MPI_Status, 4> statuses;
    MPI_OK(MPI_Request_get_status_any(4, requests.data(), &index, &flag, &status));
    EXPECT_EQ(flag, 0);
    EXPECT_EQ(index, MPI_UNDEFINED);
    MPI_OK(MPI_Request_get_status_all(4, requests.data(), &flag, statuses.data()));
    EXPECT_EQ(flag, 0);
    MPI_OK(
        MPI_Request_get_status_some(4, requests.data(), &count, indices.data(), statuses.data()));
    EXPECT_EQ(count, 0);
    MPI_OK(MPI_Barrier(comm()));

    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 2, comm()));
    flag = 0;
    while (flag == 0)
        MPI_OK(MPI_Request_get_status_any(4, requests.data(), &index, &flag, &status));
    EXPECT_EQ(index, 3);
    EXPECT_TRUE(pt2pt::status_is(status, previous(), 2, sizeof(int)));
    MPI_OK(
        MPI_Request_get_status_some(4, requests.data(), &count, indices.data(), statuses.data()));
    EXPECT_EQ(count, 1);
    EXPECT_EQ(indices[0], 3);
    EXPECT_TRUE(pt2pt::status_is(statuses[0], previous(), 2, sizeof(int)));
    MPI_OK(MPI_Barrier(comm()));

    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 0, comm()));
    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 1, comm()));
    flag = 0;
    while (flag == 0)
        MPI_OK(MPI_Request_get_status_all(4, requests.data(), &flag, statuses.data()));
    EXPECT_TRUE(pt2pt::status_is(statuses[0], previous(), 0, sizeof(int)));
    EXPECT_TRUE(pt2pt::status_is_empty(statuses[1]));
    EXPECT_TRUE(pt2pt::status_is(statuses[2], previous(), 1, sizeof(int)));
    MPI_OK(MPI_Request_get_status_some(4, requests.data(), &count, indices.data(),
                                       MPI_STATUSES_IGNORE));
    EXPECT_EQ(count, 3);
    EXPECT_EQ(indices, (std::array<int, 4>{0, 2, 3, indices[3]}));
    EXPECT_TRUE(requests == before);
    MPI_OK(MPI_Waitall(4, requests.data(), MPI_STATUSES_IGNORE));
    EXPECT_EQ(received, (std::array<int, 3>{previous(), previous(), previous()}));
}

TEST_F(GetStatus, OfNothing) {
    std::array<MPI_Request, 2> requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    int flag = 0;
    int index = 0;
    int count = 0;
    MPI_Status status;
    MPI_OK(MPI_Request_get_status_any(2, requests.data(), &index, &flag, &status));
    EXPECT_NE(flag, 0);
    EXPECT_EQ(index, MPI_UNDEFINED);
    EXPECT_TRUE(pt2pt::status_is_empty(status));
    flag = 0;
    MPI_OK(MPI_Request_get_status_all(0, nullptr, &flag, MPI_STATUSES_IGNORE));
    EXPECT_NE(flag, 0);
    MPI_OK(MPI_Request_get_status_some(2, requests.data(), &count, &index, &status));
    EXPECT_EQ(count, MPI_UNDEFINED);
}

TEST_F(GetStatusErrors, Arguments) {
    const errors::BadHandles bad;
    MPI_Request freed = bad.freed_request;
    MPI_Request null = MPI_REQUEST_NULL;
    int flag = 0;
    int index = 0;
    MPI_Status status;
    using errors::For;
    run({
        {"of freed", MPI_ERR_REQUEST, [&] { return MPI_Request_get_status(freed, &flag, &status); },
         For::kFathom},
        {"null flag", MPI_ERR_ARG, [&] { return MPI_Request_get_status(null, nullptr, &status); },
         For::kFathom},
        {"any count", MPI_ERR_COUNT,
         [&] { return MPI_Request_get_status_any(-1, &null, &index, &flag, &status); }},
        {"all count", MPI_ERR_COUNT,
         [&] { return MPI_Request_get_status_all(-1, &null, &flag, &status); }},
        {"some count", MPI_ERR_COUNT,
         [&] { return MPI_Request_get_status_some(-1, &null, &flag, &index, &status); }},
        {"any of freed", MPI_ERR_REQUEST,
         [&] { return MPI_Request_get_status_any(1, &freed, &index, &flag, &status); },
         For::kFathom},
        {"all of freed", MPI_ERR_REQUEST,
         [&] { return MPI_Request_get_status_all(1, &freed, &flag, &status); }, For::kFathom},
        {"some of freed", MPI_ERR_REQUEST,
         [&] { return MPI_Request_get_status_some(1, &freed, &flag, &index, &status); },
         For::kFathom},
        {"all of null array", MPI_ERR_ARG,
         [&] { return MPI_Request_get_status_all(1, nullptr, &flag, &status); }, For::kFathom},
    });
}

#endif

// The call tells of the failure, as the wait does that follows.
TEST_F(GetStatus, OfAFailedReceive) {
    FATHOM_ONLY("what it returns for a truncated message");
    const std::array<int, 2> sent{1, 2};
    int received = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&received, 1, MPI_INT, previous(), 5, comm(), &request));
    MPI_OK(MPI_Send(sent.data(), 2, MPI_INT, next(), 5, comm()));
    MPI_OK(MPI_Barrier(comm()));
    int flag = 0;
    int code = MPI_SUCCESS;
    while (flag == 0) code = MPI_Request_get_status(request, &flag, MPI_STATUS_IGNORE);
    EXPECT_MPI_CLASS(code, MPI_ERR_TRUNCATE);
    EXPECT_MPI_CLASS(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_ERR_TRUNCATE);
}

}  // namespace
