// GoogleTest for programs that run on several ranks.
//
// A conformance program is one binary per chapter, started as `mpirun -n N program`. Every rank
// runs every test, in the same order and in lock step: after each test the ranks combine their
// verdicts (an allreduce on a communicator of the harness's own), so no test runs into the next one
// and a failure on any rank is a failure on all of them. Rank 0 prints as GoogleTest always does;
// the others print only what failed, with their rank. The exit status is non-zero on every rank if
// any failed.
//
// Rules for a test:
//   - Which tests run and which skip must not depend on the rank, only on the number of ranks.
//   - Use the fixture's communicator `comm()`, fresh for each test, with MPI_ERRORS_RETURN. So what
//     one failed test leaves behind (an unmatched message) cannot be taken for another test's.
//   - A rank that stops early (ASSERT_*) may leave its peers waiting. The watchdog then ends them.
//
// The watchdog: a test that takes longer than FATHOM_TEST_TIMEOUT seconds (default 30) makes each
// rank print the test's name and its own stack, and ends the process with status 124. It calls no
// MPI function, so it works whatever state the library is in.
#pragma once

#include <gtest/gtest.h>
#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mpitest {

using Bytes = std::vector<unsigned char>;

// What MPI_Initialized and MPI_Finalized said, and what came back, around the harness's own
// MPI_Init.
struct InitFacts {
    int initialized_before = -1;
    int finalized_before = -1;
    int init_result = -1;
    int initialized_after = -1;
    // With FATHOM_TEST_THREADS=multiple (or single, funneled, serialized) in the environment the
    // harness calls MPI_Init_thread instead of MPI_Init; otherwise both are MPI_THREAD_SINGLE.
    int thread_level_required = MPI_THREAD_SINGLE;
    int thread_level_provided = MPI_THREAD_SINGLE;
};
const InitFacts& init_facts();

// The library under test. The suite also runs with other MPI libraries, to check the tests
// themselves; what is Fathom's own promise beyond the standard is guarded by this.
enum class Library { kFathom, kMpich, kOpenMpi, kOther };
Library library();
inline bool is_fathom() {
    return library() == Library::kFathom;
}

// "MPI_ERR_TAG (class 4): text", for messages.
std::string describe_error(int code);

// The class of an error code (MPI_Error_class).
int class_of(int code);

testing::AssertionResult is_success(const char* expression, int code);
testing::AssertionResult has_class(const char* expression, const char* class_name, int code,
                                   int expected_class);

// The fixture: a communicator of the test's own over all ranks, errors returned.
class MpiTest : public testing::Test {
  public:
    MpiTest() = default;
    MpiTest(const MpiTest&) = delete;
    MpiTest& operator=(const MpiTest&) = delete;

  protected:
    void SetUp() override;
    void TearDown() override;

    MPI_Comm comm() const { return comm_; }
    int rank() const { return rank_; }
    int size() const { return size_; }
    // The neighbours on the ring of all ranks; the rank itself when it is alone.
    int next() const { return (rank_ + 1) % size_; }
    int previous() const { return (rank_ + size_ - 1) % size_; }

  private:
    MPI_Comm comm_ = MPI_COMM_NULL;
    int rank_ = -1;
    int size_ = 0;
};

// A reproducible pattern: different for each seed, and with no short period, so that a byte at the
// wrong offset or from the wrong message shows.
unsigned char pattern_byte(std::uint32_t seed, std::size_t index);
Bytes pattern(std::size_t size_bytes, std::uint32_t seed);
void fill_pattern(Bytes& bytes, std::uint32_t seed);  // in place: the address stays
// Success if `data[0, size_bytes)` is the pattern of `seed`; otherwise the first offset that
// differs.
testing::AssertionResult is_pattern(const void* data, std::size_t size_bytes, std::uint32_t seed);
// The same for bytes that are all `value`.
testing::AssertionResult is_filled(const void* data, std::size_t size_bytes, unsigned char value);

// The sizes at which protocols change: nothing, inline, one cache line, eager, rendezvous.
std::vector<std::size_t> protocol_sizes_bytes();
// A few of these for tests that multiply them by something else.
std::vector<std::size_t> few_sizes_bytes();

// A size or an index as the `int` that most MPI functions take.
inline int to_int(std::size_t value) {
    return static_cast<int>(value);
}

// The largest tag: the attribute MPI_TAG_UB, or the standard's minimum if this library's header
// does not declare attribute functions yet.
int tag_ub();

// Initialises MPI, runs the tests, finalises; main() of every conformance program. Returns its exit
// status.
int run_program(int* argc, char*** argv);

// Sleeps; to make one rank late.
void sleep_ms(int milliseconds);

}  // namespace mpitest

// The call must return MPI_SUCCESS; the ASSERT form leaves the function.
#define MPI_OK(call) ASSERT_PRED_FORMAT1(mpitest::is_success, call)
#define EXPECT_MPI_OK(call) EXPECT_PRED_FORMAT1(mpitest::is_success, call)
// The call must return an error code of this class.
#define EXPECT_MPI_CLASS(call, error_class) \
    EXPECT_PRED_FORMAT2(mpitest::has_class, call, error_class)

#define NEED_RANKS(n)                                                                  \
    do {                                                                               \
        if (size() < (n)) GTEST_SKIP() << "needs " << (n) << " ranks, has " << size(); \
    } while (false)
// For tests that a deviation of that peer from the standard makes useless or fatal there.
#define SKIP_ON_PEER(peer, what)                                                                \
    do {                                                                                        \
        if (mpitest::library() == mpitest::Library::peer) GTEST_SKIP() << #peer ": " << (what); \
    } while (false)
#define FATHOM_ONLY(what)                                                              \
    do {                                                                               \
        if (!mpitest::is_fathom()) GTEST_SKIP() << "Fathom's own promise: " << (what); \
    } while (false)
