// Operands that are combined as they come, cut anywhere: with an operation that does not commute,
// against the same on the whole vector.

#include "mpi/coll/combine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "bodies.hpp"

namespace mpi::coll {
namespace {

/// 3 * first + second, element by element.
template <class T>
void weigh(const void* in, void* inout, Count n) {
    for (Count i = 0; i < n; ++i) {
        T a, b;
        std::memcpy(&a, static_cast<const std::byte*>(in) + i * Count{sizeof(T)}, sizeof(T));
        auto* place = static_cast<std::byte*>(inout) + i * Count{sizeof(T)};
        std::memcpy(&b, place, sizeof(T));
        b = static_cast<T>(T(3) * a + b);
        std::memcpy(place, &b, sizeof(T));
    }
}

struct Case {
    Combine::Came came;
    bool in_place;
    bool predefined;
};

class Combining : public ::testing::TestWithParam<Case> {
  protected:
    template <class T>
    void check(MPI_Datatype handle) {
        static const bool once = (predefine_datatypes(), predefine_ops(), true);
        static_cast<void>(once);
        const Datatype& type = *find<Datatype>(handle);
        std::array<ReduceKernel, 64> kernels{};
        kernels[static_cast<std::size_t>(type.machine)] = weigh<T>;
        Op op;
        op.predefined = GetParam().predefined;
        op.kernels = kernels.data();
        op.function = [](void* in, void* inout, int* n, MPI_Datatype*) { weigh<T>(in, inout, *n); };
        for (const Count count : {0, 1, 5, 512, 513, 5000, 100'001}) {
            for (const std::uint64_t most : {1U, 3U, 100U, 1024U, 8192U, 1U << 20}) {
                if (count < 10'000 || most > 100) one<T>(op, type, count, most);
            }
        }
    }

  private:
    template <class T>
    void one(const Op& op, const Datatype& type, Count count, std::uint64_t most) {
        const auto [came_as, in_place, predefined] = GetParam();
        const auto n = static_cast<std::size_t>(count);
        std::vector<T> own(n), came(n), result(n), expected(n);
        for (std::size_t i = 0; i < n; ++i) {
            own[i] = static_cast<T>(random_() % 20);
            came[i] = static_cast<T>(random_() % 20);
            expected[i] = came_as == Combine::Came::first ? static_cast<T>(T(3) * came[i] + own[i])
                                                          : static_cast<T>(T(3) * own[i] + came[i]);
        }
        if (in_place) result = own;
        Scratch spare;
        const Combine combine(op, type, count, came_as, in_place ? result.data() : own.data(),
                              result.data(), spare);
        ASSERT_TRUE(combine);
        const adi::Buffer buffer = combine.buffer();
        ASSERT_EQ(buffer.bytes, n * sizeof(T));
        const auto* bytes = reinterpret_cast<const std::byte*>(came.data());
        for (std::uint64_t at = 0; at < buffer.bytes;) {
            const std::uint64_t part = std::min(buffer.bytes - at, random_() % most + 1);
            buffer.write(at, bytes + at, part);
            at += part;
        }
        combine.finish();
        ASSERT_TRUE(result == expected) << count << " elements in parts of up to " << most;
    }

    std::mt19937 random_{7};
};

TEST_P(Combining, Bytes) {
    check<std::int8_t>(MPI_INT8_T);
}
TEST_P(Combining, Doubles) {
    check<double>(MPI_DOUBLE);
}
TEST_P(Combining, LongDoubles) {
    check<long double>(MPI_LONG_DOUBLE);
}

INSTANTIATE_TEST_SUITE_P(, Combining,
                         ::testing::Values(Case{Combine::Came::first, false, true},
                                           Case{Combine::Came::first, true, true},
                                           Case{Combine::Came::second, false, true},
                                           Case{Combine::Came::second, true, true},
                                           Case{Combine::Came::first, false, false},
                                           Case{Combine::Came::first, true, false},
                                           Case{Combine::Came::second, false, false},
                                           Case{Combine::Came::second, true, false}));

}  // namespace
}  // namespace mpi::coll
