// Generalized requests, and the functions that fill their statuses.
#include "test/conformance/errors.hpp"
#include "test/conformance/pt2pt.hpp"

namespace {

using mpitest::to_int;

class Grequest : public mpitest::MpiTest {};
class StatusSet : public mpitest::MpiTest {};
class ExternalErrors : public errors::ErrorTest {};

// What the callbacks of one request saw, and what they are to answer.
struct State {
    int queries = 0;
    int frees = 0;
    int cancels = 0;
    int complete_at_cancel = -1;
    int elements = 3;
    bool cancelled = false;
    int query_code = MPI_SUCCESS;
    int free_code = MPI_SUCCESS;
};

int query(void* extra, MPI_Status* status) {
    auto& state = *static_cast<State*>(extra);
    ++state.queries;
    EXPECT_TRUE(status != MPI_STATUS_IGNORE);
    EXPECT_MPI_OK(MPI_Status_set_elements(status, MPI_INT, state.elements));
    EXPECT_MPI_OK(MPI_Status_set_cancelled(status, state.cancelled ? 1 : 0));
    status->MPI_SOURCE = 17;
    status->MPI_TAG = 18;
    return state.query_code;
}
int release(void* extra) {
    auto& state = *static_cast<State*>(extra);
    ++state.frees;
    return state.free_code;
}
int cancel(void* extra, int complete) {
    auto& state = *static_cast<State*>(extra);
    ++state.cancels;
    state.complete_at_cancel = complete;
    state.cancelled = complete == 0;
    return MPI_SUCCESS;
}

MPI_Request start(State& state) {
    MPI_Request request = MPI_REQUEST_NULL;
    EXPECT_MPI_OK(MPI_Grequest_start(query, release, cancel, &state, &request));
    EXPECT_TRUE(request != MPI_REQUEST_NULL);
    return request;
}

TEST_F(Grequest, CompletesWhenItsUserSaysSo) {
    State state;
    MPI_Request request = start(state);
    int flag = 1;
    MPI_Status status;
    MPI_OK(MPI_Test(&request, &flag, &status));
    EXPECT_EQ(flag, 0);
    EXPECT_EQ(state.queries, 0);
    MPI_OK(MPI_Grequest_complete(request));
    EXPECT_EQ(state.queries + state.frees, 0) << "completing alone calls nothing";
    MPI_OK(MPI_Wait(&request, &status));
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
    EXPECT_EQ(state.queries, 1);
    EXPECT_EQ(state.frees, 1);
    EXPECT_TRUE(pt2pt::status_is(status, 17, 18, 3 * sizeof(int)));
    EXPECT_EQ(state.cancels, 0);
}

TEST_F(Grequest, EveryCompletionCallFinishesIt) {
    const auto run = [](const std::function<void(MPI_Request*)>& finish) {
        State state;
        MPI_Request request = start(state);
        MPI_OK(MPI_Grequest_complete(request));
        finish(&request);
        EXPECT_TRUE(request == MPI_REQUEST_NULL);
        EXPECT_EQ(state.queries, 1);
        EXPECT_EQ(state.frees, 1);
    };
    int flag = 0;
    int index = 0;
    MPI_Status status;
    run([&](MPI_Request* r) { MPI_OK(MPI_Wait(r, MPI_STATUS_IGNORE)); });
    run([&](MPI_Request* r) { MPI_OK(MPI_Test(r, &flag, MPI_STATUS_IGNORE)); });
    run([&](MPI_Request* r) { MPI_OK(MPI_Waitany(1, r, &index, &status)); });
    run([&](MPI_Request* r) { MPI_OK(MPI_Testany(1, r, &index, &flag, &status)); });
    run([&](MPI_Request* r) { MPI_OK(MPI_Waitall(1, r, MPI_STATUSES_IGNORE)); });
    run([&](MPI_Request* r) { MPI_OK(MPI_Testall(1, r, &flag, &status)); });
    run([&](MPI_Request* r) { MPI_OK(MPI_Waitsome(1, r, &flag, &index, &status)); });
    run([&](MPI_Request* r) { MPI_OK(MPI_Testsome(1, r, &flag, &index, MPI_STATUSES_IGNORE)); });
}

TEST_F(Grequest, GetStatusQueriesWithoutFreeing) {
    State state;
    MPI_Request request = start(state);
    int flag = 1;
    MPI_Status status;
    MPI_OK(MPI_Request_get_status(request, &flag, &status));
    EXPECT_EQ(flag, 0);
    MPI_OK(MPI_Grequest_complete(request));
    MPI_OK(MPI_Request_get_status(request, &flag, &status));
    EXPECT_NE(flag, 0);
    EXPECT_TRUE(pt2pt::status_is(status, 17, 18, 3 * sizeof(int)));
    EXPECT_EQ(state.queries, 1);
    EXPECT_EQ(state.frees, 0);
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_EQ(state.queries, 2);
    EXPECT_EQ(state.frees, 1);
}

// Freed before or after it is complete: the free function is called at the later of the two, the
// query function never.
TEST_F(Grequest, RequestFree) {
    State late;
    MPI_Request request = start(late);
    MPI_OK(MPI_Grequest_complete(request));
    EXPECT_EQ(late.frees, 0);
    MPI_OK(MPI_Request_free(&request));
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
    EXPECT_EQ(late.frees, 1);
    EXPECT_EQ(late.queries, 0);

    State early;
    request = start(early);
    const MPI_Request copy = request;
    MPI_OK(MPI_Request_free(&request));
    EXPECT_EQ(early.frees, 0);
    MPI_OK(MPI_Grequest_complete(copy));
    EXPECT_EQ(early.frees, 1);
    EXPECT_EQ(early.queries, 0);
}

TEST_F(Grequest, Cancel) {
    State state;
    MPI_Request request = start(state);
    MPI_OK(MPI_Cancel(&request));
    EXPECT_EQ(state.cancels, 1);
    EXPECT_EQ(state.complete_at_cancel, 0);
    int flag = 1;
    MPI_OK(MPI_Test(&request, &flag, MPI_STATUS_IGNORE));
    EXPECT_EQ(flag, 0) << "its user completes it, not the cancel";
    MPI_OK(MPI_Grequest_complete(request));
    MPI_OK(MPI_Cancel(&request));
    EXPECT_EQ(state.cancels, 2);
    EXPECT_NE(state.complete_at_cancel, 0);
    state.cancelled = true;
    MPI_Status status;
    MPI_OK(MPI_Wait(&request, &status));
    MPI_OK(MPI_Test_cancelled(&status, &flag));
    EXPECT_NE(flag, 0);
}

TEST_F(Grequest, TogetherWithOtherRequests) {
    State state;
    int received = -1;
    const int sent = rank();
    std::array<MPI_Request, 3> requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    MPI_OK(MPI_Irecv(&received, 1, MPI_INT, previous(), 1, comm(), &requests[0]));
    requests[1] = start(state);
    MPI_OK(MPI_Isend(&sent, 1, MPI_INT, next(), 1, comm(), &requests[2]));
    int index = -1;
    MPI_OK(MPI_Grequest_complete(requests[1]));
    std::array<MPI_Status, 3> statuses;
    MPI_OK(MPI_Waitall(3, requests.data(), statuses.data()));
    EXPECT_TRUE(pt2pt::status_is(statuses[0], previous(), 1, sizeof(int)));
    EXPECT_TRUE(pt2pt::status_is(statuses[1], 17, 18, 3 * sizeof(int)));
    EXPECT_EQ(received, previous());
    MPI_OK(MPI_Waitany(3, requests.data(), &index, MPI_STATUS_IGNORE));
    EXPECT_EQ(index, MPI_UNDEFINED);
}

// Callbacks may call MPI themselves.
TEST_F(Grequest, CallbacksCallMpi) {
    struct Talker {
        MPI_Comm comm;
        int rank;
        int received = -1;
    } talker{comm(), rank()};
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Grequest_start(
        [](void* extra, MPI_Status* status) {
            auto& t = *static_cast<Talker*>(extra);
            EXPECT_MPI_OK(MPI_Sendrecv(&t.rank, 1, MPI_INT, t.rank, 1, &t.received, 1, MPI_INT,
                                       t.rank, 1, t.comm, status));
            return MPI_SUCCESS;
        },
        [](void* extra) {
            EXPECT_MPI_OK(MPI_Barrier(static_cast<Talker*>(extra)->comm));
            return MPI_SUCCESS;
        },
        [](void*, int) { return MPI_SUCCESS; }, &talker, &request));
    MPI_OK(MPI_Grequest_complete(request));
    MPI_Status status;
    MPI_OK(MPI_Wait(&request, &status));
    EXPECT_TRUE(pt2pt::status_is(status, rank(), 1, sizeof(int)));
    EXPECT_EQ(talker.received, rank());
}

TEST_F(ExternalErrors, WhatCallbacksReturnIsReturned) {
    State state;
    state.query_code = MPI_ERR_OTHER;
    MPI_Request request = start(state);
    MPI_OK(MPI_Grequest_complete(request));
    EXPECT_MPI_CLASS(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_ERR_OTHER);
    EXPECT_EQ(state.frees, 1);

    State other;
    other.free_code = MPI_ERR_NO_MEM;
    request = start(other);
    MPI_OK(MPI_Grequest_complete(request));
    MPI_Status status;
    EXPECT_MPI_CLASS(MPI_Waitall(1, &request, &status), MPI_ERR_IN_STATUS);
    EXPECT_MPI_CLASS(status.MPI_ERROR, MPI_ERR_NO_MEM);
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
}

TEST_F(ExternalErrors, Arguments) {
    State state;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Request null = MPI_REQUEST_NULL;
    MPI_Status status;
    using errors::For;
    int value = 0;
    MPI_Request receive = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&value, 1, MPI_INT, rank(), 1, comm(), &receive));
    run({
        {"start null query", MPI_ERR_ARG,
         [&] { return MPI_Grequest_start(nullptr, release, cancel, &state, &request); },
         For::kFathom},
        {"start null free", MPI_ERR_ARG,
         [&] { return MPI_Grequest_start(query, nullptr, cancel, &state, &request); },
         For::kFathom},
        {"start null cancel", MPI_ERR_ARG,
         [&] { return MPI_Grequest_start(query, release, nullptr, &state, &request); },
         For::kFathom},
        {"start null request", MPI_ERR_ARG,
         [&] { return MPI_Grequest_start(query, release, cancel, &state, nullptr); }, For::kFathom},
        {"complete null", MPI_ERR_REQUEST, [&] { return MPI_Grequest_complete(null); }},
        {"complete a receive", MPI_ERR_REQUEST, [&] { return MPI_Grequest_complete(receive); },
         For::kFathom},
        {"elements null status", MPI_ERR_ARG,
         [&] { return MPI_Status_set_elements(MPI_STATUS_IGNORE, MPI_INT, 1); }, For::kFathom},
        {"elements null type", MPI_ERR_TYPE,
         [&] { return MPI_Status_set_elements(&status, MPI_DATATYPE_NULL, 1); }},
        {"elements count", MPI_ERR_COUNT,
         [&] { return MPI_Status_set_elements(&status, MPI_INT, -1); }, For::kFathom},
        {"elements_x count", MPI_ERR_COUNT,
         [&] { return MPI_Status_set_elements_x(&status, MPI_INT, -1); }, For::kFathom},
        {"cancelled null status", MPI_ERR_ARG,
         [&] { return MPI_Status_set_cancelled(MPI_STATUS_IGNORE, 1); }, For::kFathom},
    });
    MPI_OK(MPI_Cancel(&receive));
    MPI_OK(MPI_Wait(&receive, MPI_STATUS_IGNORE));
    if (!mpitest::is_fathom()) return;
    request = start(state);
    MPI_Request copy = request;
    MPI_OK(MPI_Grequest_complete(request));
    run({{"complete twice", MPI_ERR_REQUEST, [&] { return MPI_Grequest_complete(request); }},
         {"start it", MPI_ERR_REQUEST, [&] { return MPI_Start(&request); }}});
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    run({{"complete a finished one", MPI_ERR_REQUEST,
          [&] { return MPI_Grequest_complete(copy); }}});
}

// --- statuses ------------------------------------------------------------------------------------

TEST_F(StatusSet, ElementsOfABasicType) {
    MPI_Status status{};
    int count = -1;
    for (const int n : {0, 1, 1000}) {
        MPI_OK(MPI_Status_set_elements(&status, MPI_DOUBLE, n));
        MPI_OK(MPI_Get_elements(&status, MPI_DOUBLE, &count));
        EXPECT_EQ(count, n);
        MPI_OK(MPI_Get_count(&status, MPI_DOUBLE, &count));
        EXPECT_EQ(count, n);
    }
    MPI_OK(MPI_Status_set_elements_x(&status, MPI_BYTE, MPI_Count{1} << 40));
    MPI_OK(MPI_Get_elements(&status, MPI_BYTE, &count));
    EXPECT_EQ(count, MPI_UNDEFINED);
    MPI_OK(MPI_Status_set_elements_x(&status, MPI_BYTE, 77));
    MPI_OK(MPI_Get_elements(&status, MPI_BYTE, &count));
    EXPECT_EQ(count, 77);
}

// Every number of basic elements of a type that mixes them comes back; only whole ones are a count.
TEST_F(StatusSet, ElementsOfDerivedTypes) {
    // Struct of two ints, a double, and three (short, int) pairs; twice of it in a vector.
    MPI_Datatype mixed = MPI_DATATYPE_NULL;
    std::array<int, 3> lengths{2, 1, 3};
    std::array<MPI_Aint, 3> places{0, 8, 16};
    std::array<MPI_Datatype, 3> types{MPI_INT, MPI_DOUBLE, MPI_SHORT_INT};
    MPI_OK(MPI_Type_create_struct(3, lengths.data(), places.data(), types.data(), &mixed));
    MPI_Datatype nested = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(2, 1, 3, mixed, &nested));
    MPI_OK(MPI_Type_commit(&nested));
    constexpr int kElements = 2 * (2 + 1 + 6);
    MPI_Status status{};
    for (int n = 0; n <= 3 * kElements; ++n) {
        SCOPED_TRACE(n);
        int count = -1;
        MPI_OK(MPI_Status_set_elements(&status, nested, n));
        MPI_OK(MPI_Get_elements(&status, nested, &count));
        EXPECT_EQ(count, n);
        MPI_OK(MPI_Get_count(&status, nested, &count));
        EXPECT_EQ(count, n % kElements == 0 ? n / kElements : MPI_UNDEFINED);
    }
    MPI_OK(MPI_Type_free(&nested));
    MPI_OK(MPI_Type_free(&mixed));
}

TEST_F(StatusSet, Cancelled) {
    MPI_Status status{};
    int flag = -1;
    MPI_OK(MPI_Status_set_cancelled(&status, 1));
    MPI_OK(MPI_Test_cancelled(&status, &flag));
    EXPECT_NE(flag, 0);
    MPI_OK(MPI_Status_set_cancelled(&status, 0));
    MPI_OK(MPI_Test_cancelled(&status, &flag));
    EXPECT_EQ(flag, 0);
}

}  // namespace
