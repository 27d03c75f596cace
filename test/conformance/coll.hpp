// What the tests of collectives share: the communicators that they run on, sizes, and values that
// tell rank and position.
#pragma once

#include <algorithm>
#include <array>
#include <numeric>
#include <ostream>

#include "test/support/mpi_test.hpp"

namespace coll {

// All collectives are tried on each of these.
enum class Shape {
    kWhole,     // the test's own communicator
    kReversed,  // all ranks, in the opposite order
    kHalves,    // even and odd ranks apart, both at work at the same time
    kSingle,    // each rank alone
};

inline const char* name_of(Shape shape) {
    constexpr std::array<const char*, 4> kNames{"Whole", "Reversed", "Halves", "Single"};
    return kNames[static_cast<std::size_t>(shape)];
}

inline std::ostream& operator<<(std::ostream& out, Shape shape) {
    return out << name_of(shape);
}

class ShapedTest : public mpitest::MpiTest, public testing::WithParamInterface<Shape> {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        int color = 0;
        int key = rank();
        if (GetParam() == Shape::kReversed) key = -rank();
        if (GetParam() == Shape::kHalves) color = rank() % 2;
        if (GetParam() == Shape::kSingle) color = rank();
        MPI_OK(MPI_Comm_split(comm(), color, key, &shaped_));
        MPI_OK(MPI_Comm_rank(shaped_, &me_));
        MPI_OK(MPI_Comm_size(shaped_, &ranks_));
    }
    void TearDown() override {
        if (shaped_ != MPI_COMM_NULL) {
            EXPECT_MPI_OK(MPI_Comm_free(&shaped_));
        }
        MpiTest::TearDown();
    }

    MPI_Comm shaped() const { return shaped_; }
    int me() const { return me_; }
    int ranks() const { return ranks_; }

  private:
    MPI_Comm shaped_ = MPI_COMM_NULL;
    int me_ = -1;
    int ranks_ = 0;
};

#define INSTANTIATE_SHAPES(fixture)                                                        \
    INSTANTIATE_TEST_SUITE_P(                                                              \
        Coll, fixture,                                                                     \
        testing::Values(coll::Shape::kWhole, coll::Shape::kReversed, coll::Shape::kHalves, \
                        coll::Shape::kSingle),                                             \
        [](const auto& shape) { return std::string(coll::name_of(shape.param)); })

// Numbers of elements: where algorithms change, and some that divide by nothing.
inline std::vector<int> counts() {
    return {0, 1, 3, 17, 1000, 100'000};
}

inline int value(int rank, int index) {
    return rank * 1'000'003 + index * 7 + 1;
}

// count values of `rank`, beginning with index `first`.
inline std::vector<int> values(int rank, int count, int first = 0) {
    std::vector<int> result(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) result[static_cast<std::size_t>(i)] = value(rank, first + i);
    return result;
}

inline std::vector<int> unset(int count) {
    return std::vector<int>(static_cast<std::size_t>(count), -1);
}

inline std::size_t u(int number) {
    return static_cast<std::size_t>(number);
}

// What rank i sends to rank j is of no simple size, and zero for some.
inline int pair_count(int i, int j, int scale) {
    return (i + 2 * j) % 4 * scale;
}

}  // namespace coll
