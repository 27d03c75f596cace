// A job that tests do things to. Each message says who sent it and which it is, and carries bytes
// that follow from both; receives are wildcards. Whatever is lost, doubled, out of order, or
// altered ends the job with status 3. Its argument is one of:
//
// - traffic SECONDS: all send to all for so long, or until the file FATHOM_TEST_STOP is there.
//   Rank 0 says "up" at the beginning, and at the end "right: N messages".
// - endure: the same, but errors are returned, and a process that gets one waits to be ended.
// - finalize: all but rank 0 are in MPI_Finalize; it says "up" and does not come.
// - start: all but rank 0 are in MPI_Init; it says "up" and does not come.
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

int rank, size;

[[noreturn]] void fail(const char* what, int source, int number) {
    std::fprintf(stderr, "rank %d: message %d of rank %d: %s\n", rank, number, source, what);
    MPI_Abort(MPI_COMM_WORLD, 3);
    std::abort();
}

void say(const char* text) {
    std::puts(text);
    std::fflush(stdout);
}

struct Random {
    unsigned long long state;
    unsigned next() {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<unsigned>(state >> 33);
    }
};

// Short ones mostly, some that go by rendezvous.
std::size_t length_of(int source, int number) {
    Random random{static_cast<unsigned long long>(source) * 1000003U +
                  static_cast<unsigned long long>(number)};
    random.next();
    constexpr unsigned kMost[] = {64, 64, 64, 4096, 65536, 300000};
    return 8 + random.next() % kMost[random.next() % 6];
}

void fill(std::vector<unsigned char>* bytes, int source, int number) {
    bytes->resize(length_of(source, number));
    Random random{static_cast<unsigned long long>(source) << 32 | static_cast<unsigned>(number)};
    for (std::size_t i = 0; i < bytes->size(); i += 4) {
        const unsigned word = random.next();
        std::memcpy(bytes->data() + i, &word, std::min<std::size_t>(4, bytes->size() - i));
    }
}

/// One message to each and one from each. Nobody may begin the next before all are done: with
/// messages of two rounds under way, receives of any could take the later one, and leave sends of
/// this one without a receive.
void round(int number, std::vector<int>* expected) {
    static std::vector<unsigned char> sent, received, wanted;
    fill(&sent, rank, number);
    std::vector<MPI_Request> requests(static_cast<std::size_t>(size));
    int count = 0;
    for (int i = 1; i < size; ++i) {
        MPI_Isend(sent.data(), static_cast<int>(sent.size()), MPI_BYTE, (rank + i) % size, number,
                  MPI_COMM_WORLD, &requests[static_cast<std::size_t>(count++)]);
    }
    for (int i = 1; i < size; ++i) {
        received.resize(1 << 20);
        MPI_Status status;
        MPI_Recv(received.data(), 1 << 20, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
                 &status);
        int bytes = 0;
        MPI_Get_count(&status, MPI_BYTE, &bytes);
        int& next = (*expected)[static_cast<std::size_t>(status.MPI_SOURCE)];
        if (status.MPI_TAG != next)
            fail("it is not the next one", status.MPI_SOURCE, status.MPI_TAG);
        fill(&wanted, status.MPI_SOURCE, next++);
        received.resize(static_cast<std::size_t>(bytes));
        if (received != wanted) fail("its bytes are wrong", status.MPI_SOURCE, status.MPI_TAG);
    }
    MPI_Waitall(count, requests.data(), MPI_STATUSES_IGNORE);
}

void traffic(double seconds) {
    std::vector<int> expected(static_cast<std::size_t>(size), 0);
    const double begin = MPI_Wtime();
    const char* const stop = std::getenv("FATHOM_TEST_STOP");
    long long messages = 0;
    for (int number = 0, go_on = 1; go_on != 0; ++number) {
        round(number, &expected);
        messages += size - 1;
        go_on = MPI_Wtime() - begin < seconds && (stop == nullptr || ::access(stop, F_OK) != 0);
        MPI_Allreduce(MPI_IN_PLACE, &go_on, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
        if (number == 0 && rank == 0) say("up");
    }
    long long all = 0;
    MPI_Allreduce(&messages, &all, 1, MPI_LONG_LONG, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 0) std::printf("right: %lld messages\n", all);
}

void endure() {
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    std::vector<int> sent(static_cast<std::size_t>(size)), received(sent);
    for (int number = 0;; ++number) {
        const int code =
            MPI_Alltoall(sent.data(), 1, MPI_INT, received.data(), 1, MPI_INT, MPI_COMM_WORLD);
        while (code != MPI_SUCCESS) ::pause();
        if (number == 0 && rank == 0) say("up");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    const char* number = std::getenv("PMI_RANK");
    if (what == "start" && number != nullptr && std::atoi(number) == 0) {
        say("up");
        ::pause();
    }
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (what == "traffic" && argc > 2) traffic(std::atof(argv[2]));
    if (what == "endure") endure();
    if (what == "finalize") {
        std::vector<int> expected(static_cast<std::size_t>(size), 0);
        round(0, &expected);
        MPI_Barrier(MPI_COMM_WORLD);
        if (rank == 0) {
            say("up");
            ::pause();
        }
    }
    MPI_Finalize();
    return 0;
}
