#include "test/support/mpi_test.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

#include "test/support/watchdog.hpp"

namespace mpitest {
namespace {

InitFacts facts;
// The harness's own communicator: what a test does on other communicators cannot disturb it.
MPI_Comm harness_comm = MPI_COMM_NULL;

// A template, so that a header without the function is no error but another branch.
template <class Comm>
int tag_ub_of(Comm comm) {
    void* value = nullptr;
    int found = 0;
    if constexpr (requires { MPI_Comm_get_attr(comm, MPI_TAG_UB, &value, &found); })
        MPI_Comm_get_attr(comm, MPI_TAG_UB, &value, &found);
    if (found != 0) return *static_cast<int*>(value);
    return is_fathom() ? INT_MAX : 32767;
}

int thread_level(std::string_view name) {
    if (name == "multiple") return MPI_THREAD_MULTIPLE;
    if (name == "serialized") return MPI_THREAD_SERIALIZED;
    if (name == "funneled") return MPI_THREAD_FUNNELED;
    return MPI_THREAD_SINGLE;
}

// Sees to the lock step, and prints the failures of ranks other than 0.
class LockStep : public testing::EmptyTestEventListener {
  public:
    explicit LockStep(int rank) : rank_(rank) {}

    void OnTestStart(const testing::TestInfo& info) override {
        name_ = std::string(info.test_suite_name()) + "." + info.name();
        failures_shown_ = 0;
        watchdog_arm(name_.c_str());
    }

    void OnTestPartResult(const testing::TestPartResult& result) override {
        if (rank_ == 0 || !result.failed() || ++failures_shown_ > kFailuresShown) return;
        std::fprintf(stderr, "[rank %d] %s:%d: Failure in %s\n%s\n", rank_,
                     result.file_name() != nullptr ? result.file_name() : "?", result.line_number(),
                     name_.c_str(), result.message());
    }

    // Called before GoogleTest's own printer (ends are announced in reverse order), so that a
    // failure added here counts and is printed as this test's.
    void OnTestEnd(const testing::TestInfo& info) override {
        const int failed_here = info.result()->Failed() ? 1 : 0;
        int failed_ranks = 0;
        MPI_Allreduce(&failed_here, &failed_ranks, 1, MPI_INT, MPI_SUM, harness_comm);
        if (rank_ == 0 && failed_here == 0 && failed_ranks > 0)
            ADD_FAILURE() << failed_ranks << " other rank(s) failed in " << name_;
        watchdog_disarm();
    }

  private:
    static constexpr int kFailuresShown = 5;  // of one test, on each rank but 0

    int rank_;
    int failures_shown_ = 0;
    std::string name_;
};

}  // namespace

const InitFacts& init_facts() {
    return facts;
}

Library library() {
    static const Library answer = [] {
        std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
        int length = 0;
        if (MPI_Get_library_version(text.data(), &length) != MPI_SUCCESS) return Library::kOther;
        const std::string_view version(text.data());
        if (version.find("Fathom") != std::string_view::npos) return Library::kFathom;
        if (version.find("MPICH") != std::string_view::npos) return Library::kMpich;
        if (version.find("Open MPI") != std::string_view::npos) return Library::kOpenMpi;
        return Library::kOther;
    }();
    return answer;
}

int class_of(int code) {
    int error_class = -1;
    MPI_Error_class(code, &error_class);
    return error_class;
}

std::string describe_error(int code) {
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    int length = 0;
    MPI_Error_string(code, text.data(), &length);
    return "code " + std::to_string(code) + ", class " + std::to_string(class_of(code)) + ": " +
           text.data();
}

testing::AssertionResult is_success(const char* expression, int code) {
    if (code == MPI_SUCCESS) return testing::AssertionSuccess();
    return testing::AssertionFailure() << expression << " returned " << describe_error(code);
}

testing::AssertionResult has_class(const char* expression, const char* class_name, int code,
                                   int expected_class) {
    if (code != MPI_SUCCESS && class_of(code) == expected_class) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << expression << " returned " << describe_error(code) << "; expected class "
           << class_name << " (" << expected_class << ")";
}

void MpiTest::SetUp() {
    MPI_OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm_));
    MPI_OK(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN));
    // An error found by MPI_Wait belongs to the request's communicator; MPICH 4.0 raises it on
    // another.
    if (!is_fathom()) {
        MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
        MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    }
    MPI_OK(MPI_Comm_rank(comm_, &rank_));
    MPI_OK(MPI_Comm_size(comm_, &size_));
}

void MpiTest::TearDown() {
    if (comm_ == MPI_COMM_NULL) return;
    EXPECT_MPI_OK(MPI_Comm_free(&comm_));
}

unsigned char pattern_byte(std::uint32_t seed, std::size_t index) {
    const auto i = static_cast<std::uint32_t>(index);
    const std::uint32_t mixed = (i + seed * 0x9E3779B9U) * 0x85EBCA6BU;
    return static_cast<unsigned char>(mixed >> 24U);
}

Bytes pattern(std::size_t size_bytes, std::uint32_t seed) {
    Bytes bytes(size_bytes);
    fill_pattern(bytes, seed);
    return bytes;
}

void fill_pattern(Bytes& bytes, std::uint32_t seed) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern_byte(seed, i);
}

testing::AssertionResult is_pattern(const void* data, std::size_t size_bytes, std::uint32_t seed) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size_bytes; ++i) {
        if (bytes[i] != pattern_byte(seed, i))
            return testing::AssertionFailure()
                   << "byte " << i << " of " << size_bytes << " is " << int{bytes[i]}
                   << ", the pattern of seed " << seed << " has " << int{pattern_byte(seed, i)};
    }
    return testing::AssertionSuccess();
}

testing::AssertionResult is_filled(const void* data, std::size_t size_bytes, unsigned char value) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    const auto* end = bytes + size_bytes;
    const auto* other = std::find_if(bytes, end, [value](unsigned char b) { return b != value; });
    if (other == end) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "byte " << other - bytes << " of " << size_bytes << " is "
                                       << int{*other} << ", not " << int{value};
}

std::vector<std::size_t> protocol_sizes_bytes() {
    constexpr std::size_t kKiB = 1024;
    constexpr std::size_t kMiB = 1024 * kKiB;
    return {0,
            1,
            8,
            40,
            47,
            48,
            49,
            63,
            64,
            96,
            97,
            128,
            kKiB,
            4 * kKiB,
            8 * kKiB,
            16 * kKiB,
            32 * kKiB,
            64 * kKiB - 1,
            64 * kKiB,
            64 * kKiB + 1,
            256 * kKiB + 13,
            kMiB,
            5 * kMiB};
}

std::vector<std::size_t> few_sizes_bytes() {
    return {0, 1, 40, 97, 1024, 8192, 65536, 1U << 20U};
}

int tag_ub() {
    return tag_ub_of(MPI_COMM_WORLD);
}

void sleep_ms(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

namespace {

// Returns the exit status, the same on every rank.
int run_tests(int* argc, char** argv) {
    int rank = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_dup(MPI_COMM_WORLD, &harness_comm);
    watchdog_start(rank);

    testing::InitGoogleTest(argc, argv);
    // The order must be the same everywhere; the report is rank 0's to write.
    int seed = GTEST_FLAG_GET(random_seed);
    if (seed == 0 && GTEST_FLAG_GET(shuffle))
        seed = static_cast<int>(std::time(nullptr) % 99'999) + 1;
    MPI_Bcast(&seed, 1, MPI_INT, 0, harness_comm);
    GTEST_FLAG_SET(random_seed, seed);
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    if (rank != 0) {
        GTEST_FLAG_SET(output, "");
        delete listeners.Release(listeners.default_result_printer());
        delete listeners.Release(listeners.default_xml_generator());
    }
    listeners.Append(new LockStep(rank));

    // One list of the tests is enough; what follows it is still every rank's.
    const bool runs = rank == 0 || !GTEST_FLAG_GET(list_tests);
    const int status_here = runs ? RUN_ALL_TESTS() : 0;
    int status = status_here;
    MPI_Allreduce(&status_here, &status, 1, MPI_INT, MPI_MAX, harness_comm);
    MPI_Comm_free(&harness_comm);
    return status;
}

}  // namespace

int run_program(int* argc, char*** argv) {
    MPI_Initialized(&facts.initialized_before);
    MPI_Finalized(&facts.finalized_before);
    if (const char* level = std::getenv("FATHOM_TEST_THREADS"); level != nullptr) {
        facts.thread_level_required = thread_level(level);
        facts.init_result =
            MPI_Init_thread(argc, argv, facts.thread_level_required, &facts.thread_level_provided);
    } else {
        facts.init_result = MPI_Init(argc, argv);
    }
    MPI_Initialized(&facts.initialized_after);

    const int status = run_tests(argc, *argv);

    watchdog_arm("MPI_Finalize");
    MPI_Finalize();
    watchdog_disarm();
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (finalized == 0) {
        std::fprintf(stderr, "MPI_Finalized says no after MPI_Finalize\n");
        return EXIT_FAILURE;
    }
    return status;
}

}  // namespace mpitest

int main(int argc, char** argv) {
    return mpitest::run_program(&argc, &argv);
}
