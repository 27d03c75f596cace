// Wrong arguments to the point-to-point functions.
#include <array>
#include <climits>

#include "test/conformance/errors.hpp"
#include "test/conformance/pt2pt.hpp"

namespace {

using errors::BadHandles;
using errors::Case;
using errors::For;

class Pt2ptErrors : public errors::ErrorTest {};

// The same wrong arguments for every function with the parameters (buf, count, type, peer, tag,
// comm).
using Transfer = std::function<int(void*, int, MPI_Datatype, int, int, MPI_Comm)>;

std::vector<Case> common_cases(const Transfer& call, MPI_Comm comm, int size,
                               const BadHandles& bad) {
    static std::array<int, 16> data{};
    int* const buffer = data.data();
    return {
        {"count -1", MPI_ERR_COUNT, [=] { return call(buffer, -1, MPI_INT, 0, 1, comm); }},
        {"null type", MPI_ERR_TYPE, [=] { return call(buffer, 1, MPI_DATATYPE_NULL, 0, 1, comm); }},
        {"uncommitted type", MPI_ERR_TYPE,
         [=, &bad] { return call(buffer, 1, bad.uncommitted, 0, 1, comm); }},
        {"freed type", MPI_ERR_TYPE,
         [=, &bad] { return call(buffer, 1, bad.freed_type, 0, 1, comm); }, For::kFathom},
        {"rank = size", MPI_ERR_RANK, [=] { return call(buffer, 1, MPI_INT, size, 1, comm); }},
        {"rank INT_MAX", MPI_ERR_RANK, [=] { return call(buffer, 1, MPI_INT, INT_MAX, 1, comm); }},
        {"rank -77", MPI_ERR_RANK, [=] { return call(buffer, 1, MPI_INT, -77, 1, comm); }},
        {"tag -77", MPI_ERR_TAG, [=] { return call(buffer, 1, MPI_INT, 0, -77, comm); }},
        {"tag INT_MIN", MPI_ERR_TAG, [=] { return call(buffer, 1, MPI_INT, 0, INT_MIN, comm); }},
        {"null communicator", MPI_ERR_COMM,
         [=] { return call(buffer, 1, MPI_INT, 0, 1, MPI_COMM_NULL); }},
        {"freed communicator", MPI_ERR_COMM,
         [=, &bad] { return call(buffer, 1, MPI_INT, 0, 1, bad.freed_comm); }, For::kFathom},
        {"null buffer", MPI_ERR_BUFFER, [=] { return call(nullptr, 1, MPI_INT, 0, 1, comm); },
         For::kFathom},
        // Wrong even where nothing would be sent.
        {"count -1 to PROC_NULL", MPI_ERR_COUNT,
         [=] { return call(buffer, -1, MPI_INT, MPI_PROC_NULL, 1, comm); }, For::kFathom},
        {"null type to PROC_NULL", MPI_ERR_TYPE,
         [=] { return call(buffer, 1, MPI_DATATYPE_NULL, MPI_PROC_NULL, 1, comm); }, For::kFathom},
    };
}

// What only senders may not do: name a wildcard.
std::vector<Case> send_cases(const Transfer& call, MPI_Comm comm) {
    static int value = 0;
    int* const buffer = &value;
    std::vector<Case> cases{
        {"to ANY_SOURCE", MPI_ERR_RANK,
         [=] { return call(buffer, 1, MPI_INT, MPI_ANY_SOURCE, 1, comm); }},
        {"with ANY_TAG", MPI_ERR_TAG,
         [=] { return call(buffer, 1, MPI_INT, 0, MPI_ANY_TAG, comm); }},
    };
    const int tag_ub = mpitest::tag_ub();
    if (tag_ub < INT_MAX && tag_ub > 32767)
        cases.push_back({"tag beyond MPI_TAG_UB", MPI_ERR_TAG,
                         [=] { return call(buffer, 1, MPI_INT, 0, tag_ub + 1, comm); }});
    return cases;
}

TEST_F(Pt2ptErrors, Sends) {
    const BadHandles bad;
    for (const pt2pt::SendMode& mode : pt2pt::send_modes()) {
        const std::array<std::pair<const char*, Transfer>, 3> forms{
            {{"blocking",
              [&](void* buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm) {
                  return mode.blocking(buffer, count, type, rank, tag, comm);
              }},
             {"nonblocking",
              [&](void* buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm) {
                  MPI_Request request = MPI_REQUEST_NULL;
                  const int code = mode.nonblocking(buffer, count, type, rank, tag, comm, &request);
                  EXPECT_TRUE(request == MPI_REQUEST_NULL);
                  return code;
              }},
             {"persistent",
              [&](void* buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm) {
                  MPI_Request request = MPI_REQUEST_NULL;
                  const int code = mode.init(buffer, count, type, rank, tag, comm, &request);
                  EXPECT_TRUE(request == MPI_REQUEST_NULL);
                  return code;
              }}}};
        for (const auto& [form, call] : forms) {
            SCOPED_TRACE(std::string(mode.name) + " " + form);
            run(common_cases(call, comm(), size(), bad));
            run(send_cases(call, comm()));
        }
    }
}

TEST_F(Pt2ptErrors, Receives) {
    const BadHandles bad;
    const std::array<std::pair<const char*, Transfer>, 3> forms{
        {{"Recv",
          [](void* buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm) {
              return MPI_Recv(buffer, count, type, rank, tag, comm, MPI_STATUS_IGNORE);
          }},
         {"Irecv",
          [](void* buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm) {
              MPI_Request request = MPI_REQUEST_NULL;
              return MPI_Irecv(buffer, count, type, rank, tag, comm, &request);
          }},
         {"Recv_init",
          [](void* buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm) {
              MPI_Request request = MPI_REQUEST_NULL;
              return MPI_Recv_init(buffer, count, type, rank, tag, comm, &request);
          }}}};
    for (const auto& [form, call] : forms) {
        SCOPED_TRACE(form);
        run(common_cases(call, comm(), size(), bad));
    }
}

TEST_F(Pt2ptErrors, SendrecvChecksBothHalves) {
    const BadHandles bad;
    std::array<int, 2> other{};
    const Transfer sending = [&](void* buffer, int count, MPI_Datatype type, int rank, int tag,
                                 MPI_Comm comm) {
        return MPI_Sendrecv(buffer, count, type, rank, tag, other.data(), 1, MPI_INT, MPI_PROC_NULL,
                            1, comm, MPI_STATUS_IGNORE);
    };
    const Transfer receiving = [&](void* buffer, int count, MPI_Datatype type, int rank, int tag,
                                   MPI_Comm comm) {
        return MPI_Sendrecv(other.data(), 1, MPI_INT, MPI_PROC_NULL, 1, buffer, count, type, rank,
                            tag, comm, MPI_STATUS_IGNORE);
    };
    const Transfer replacing_to = [](void* buffer, int count, MPI_Datatype type, int rank, int tag,
                                     MPI_Comm comm) {
        return MPI_Sendrecv_replace(buffer, count, type, rank, tag, MPI_PROC_NULL, 1, comm,
                                    MPI_STATUS_IGNORE);
    };
    const Transfer replacing_from = [](void* buffer, int count, MPI_Datatype type, int rank,
                                       int tag, MPI_Comm comm) {
        return MPI_Sendrecv_replace(buffer, count, type, MPI_PROC_NULL, 1, rank, tag, comm,
                                    MPI_STATUS_IGNORE);
    };
    for (const auto& [half, call] : {std::pair{"send", sending}, std::pair{"receive", receiving},
                                     std::pair{"replace, send", replacing_to},
                                     std::pair{"replace, receive", replacing_from}}) {
        SCOPED_TRACE(half);
        run(common_cases(call, comm(), size(), bad));
    }
    run(send_cases(sending, comm()));
    run(send_cases(replacing_to, comm()));
}

TEST_F(Pt2ptErrors, Probes) {
    const BadHandles bad;
    MPI_Status status;
    int flag = 0;
    const MPI_Comm c = comm();
    const int n = size();
    run({
        {"Probe rank", MPI_ERR_RANK, [&] { return MPI_Probe(n, 1, c, &status); }},
        {"Probe tag", MPI_ERR_TAG, [&] { return MPI_Probe(0, -77, c, &status); }},
        {"Probe null comm", MPI_ERR_COMM, [&] { return MPI_Probe(0, 1, MPI_COMM_NULL, &status); }},
        {"Probe freed comm", MPI_ERR_COMM, [&] { return MPI_Probe(0, 1, bad.freed_comm, &status); },
         For::kFathom},
        {"Iprobe rank", MPI_ERR_RANK, [&] { return MPI_Iprobe(-77, 1, c, &flag, &status); }},
        {"Iprobe tag", MPI_ERR_TAG, [&] { return MPI_Iprobe(0, -77, c, &flag, &status); }},
        {"Iprobe null comm", MPI_ERR_COMM,
         [&] { return MPI_Iprobe(0, 1, MPI_COMM_NULL, &flag, &status); }},
        {"Iprobe null flag", MPI_ERR_ARG, [&] { return MPI_Iprobe(0, 1, c, nullptr, &status); },
         For::kFathom},
    });
}

TEST_F(Pt2ptErrors, Requests) {
    const BadHandles bad;
    MPI_Status status;
    int flag = 0;
    int index = 0;
    MPI_Request null = MPI_REQUEST_NULL;
    MPI_Request freed = bad.freed_request;
    std::array<MPI_Request, 2> with_freed{MPI_REQUEST_NULL, freed};
    std::array<MPI_Status, 2> statuses;
    run({
        {"Start of null", MPI_ERR_REQUEST, [&] { return MPI_Start(&null); }},
        {"Startall of null", MPI_ERR_REQUEST, [&] { return MPI_Startall(1, &null); }},
        {"Startall count", MPI_ERR_COUNT, [&] { return MPI_Startall(-1, &null); }},
        {"Request_free of null", MPI_ERR_REQUEST, [&] { return MPI_Request_free(&null); }},
        {"Cancel of null", MPI_ERR_REQUEST, [&] { return MPI_Cancel(&null); }},
        {"Wait of a null pointer", MPI_ERR_ARG, [&] { return MPI_Wait(nullptr, &status); },
         For::kFathom},
        {"Waitall count", MPI_ERR_COUNT, [&] { return MPI_Waitall(-1, &null, &status); }},
        {"Testall count", MPI_ERR_COUNT, [&] { return MPI_Testall(-1, &null, &flag, &status); }},
        {"Waitany count", MPI_ERR_COUNT, [&] { return MPI_Waitany(-1, &null, &index, &status); }},
        {"Testany count", MPI_ERR_COUNT,
         [&] { return MPI_Testany(-1, &null, &index, &flag, &status); }},
        {"Waitsome count", MPI_ERR_COUNT,
         [&] { return MPI_Waitsome(-1, &null, &flag, &index, &status); }},
        {"Testsome count", MPI_ERR_COUNT,
         [&] { return MPI_Testsome(-1, &null, &flag, &index, &status); }},
        {"Wait of freed", MPI_ERR_REQUEST, [&] { return MPI_Wait(&freed, &status); }, For::kFathom},
        {"Test of freed", MPI_ERR_REQUEST, [&] { return MPI_Test(&freed, &flag, &status); },
         For::kFathom},
        {"Start of freed", MPI_ERR_REQUEST, [&] { return MPI_Start(&freed); }, For::kFathom},
        {"Cancel of freed", MPI_ERR_REQUEST, [&] { return MPI_Cancel(&freed); }, For::kFathom},
        {"Request_free of freed", MPI_ERR_REQUEST, [&] { return MPI_Request_free(&freed); },
         For::kFathom},
        {"Waitall with freed", MPI_ERR_REQUEST,
         [&] { return MPI_Waitall(2, with_freed.data(), statuses.data()); }, For::kFathom},
        {"Waitany with freed", MPI_ERR_REQUEST,
         [&] { return MPI_Waitany(2, with_freed.data(), &index, &status); }, For::kFathom},
        {"Waitsome with freed", MPI_ERR_REQUEST,
         [&] { return MPI_Waitsome(2, with_freed.data(), &flag, &index, statuses.data()); },
         For::kFathom},
    });
}

// Start is for persistent requests that are inactive.
TEST_F(Pt2ptErrors, StartOfTheWrongRequest) {
    int value = 0;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&value, 1, MPI_INT, rank(), 1, comm(), &request));
    run({{"not persistent", MPI_ERR_REQUEST, [&] { return MPI_Start(&request); }}});
    MPI_OK(MPI_Cancel(&request));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));

    MPI_OK(MPI_Recv_init(&value, 1, MPI_INT, rank(), 1, comm(), &request));
    MPI_OK(MPI_Start(&request));
    run({{"active", MPI_ERR_REQUEST, [&] { return MPI_Start(&request); }, For::kFathom}});
    MPI_OK(MPI_Cancel(&request));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    MPI_OK(MPI_Request_free(&request));
}

TEST_F(Pt2ptErrors, BuffersForBsend) {
    std::array<char, 2000> memory{};
    MPI_OK(MPI_Buffer_attach(memory.data(), static_cast<int>(memory.size())));
    run({{"attach twice", MPI_ERR_BUFFER, [&] { return MPI_Buffer_attach(memory.data(), 1000); }}});
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
    run({{"negative size", MPI_ERR_ARG, [&] { return MPI_Buffer_attach(memory.data(), -1); }},
         {"null memory", MPI_ERR_BUFFER, [&] { return MPI_Buffer_attach(nullptr, 1000); },
          For::kFathom}});
}

TEST_F(Pt2ptErrors, Counts) {
    const BadHandles bad;
    const int sent = 1;
    int received = 0;
    int count = 0;
    MPI_Status status;
    MPI_OK(MPI_Sendrecv(&sent, 1, MPI_INT, next(), 1, &received, 1, MPI_INT, previous(), 1, comm(),
                        &status));
    run({
        {"Get_count null type", MPI_ERR_TYPE,
         [&] { return MPI_Get_count(&status, MPI_DATATYPE_NULL, &count); }},
        {"Get_count freed type", MPI_ERR_TYPE,
         [&] { return MPI_Get_count(&status, bad.freed_type, &count); }, For::kFathom},
        {"Get_elements null type", MPI_ERR_TYPE,
         [&] { return MPI_Get_elements(&status, MPI_DATATYPE_NULL, &count); }},
        {"Get_count null status", MPI_ERR_ARG,
         [&] { return MPI_Get_count(MPI_STATUS_IGNORE, MPI_INT, &count); }, For::kFathom},
        {"Test_cancelled null status", MPI_ERR_ARG,
         [&] { return MPI_Test_cancelled(MPI_STATUS_IGNORE, &count); }, For::kFathom},
    });
}

}  // namespace
