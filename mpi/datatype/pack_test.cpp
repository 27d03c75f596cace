// MPI_Pack and its kin, MPI_Get_count and MPI_Get_elements.

#include <gtest/gtest.h>

#include <numeric>

#include "mpi/core/status.hpp"
#include "mpi/datatype/naive.hpp"

namespace mpi::testing {
namespace {

MPI_Status received(Count bytes) {
    MPI_Status status{};
    set_status_bytes(status, bytes);
    return status;
}

Count count_of(Count bytes, Datatype& type) {
    Count count = -7;
    EXPECT_EQ(get_count(received(bytes), type, count), Status::ok);
    return count;
}

Count elements_of(Count bytes, Datatype& type) {
    Count count = -7;
    EXPECT_EQ(get_elements(received(bytes), type, count), Status::ok);
    return count;
}

TEST(Pack, SeveralMessagesIntoOneBuffer) {
    Comm comm;
    Twin column;
    ASSERT_EQ(type_vector(4, 1, 4, type_of(MPI_INT), column.type), Status::ok);
    int matrix[16];
    std::iota(std::begin(matrix), std::end(matrix), 0);
    double tail = 1.5;
    char packed[64];
    Count position = 0;
    ASSERT_EQ(pack(matrix + 1, 1, *column.type, packed, 24, position, comm), Status::ok);
    EXPECT_EQ(position, 16);
    ASSERT_EQ(pack(&tail, 1, type_of(MPI_DOUBLE), packed, 24, position, comm), Status::ok);
    EXPECT_EQ(position, 24);
    // No room left, and the position stays.
    EXPECT_EQ(pack(&tail, 1, type_of(MPI_CHAR), packed, 24, position, comm), Status::arg);
    EXPECT_EQ(position, 24);
    EXPECT_EQ(pack(&tail, 0, type_of(MPI_CHAR), packed, 24, position, comm), Status::ok);

    int row[4]{};
    double value = 0;
    position = 0;
    ASSERT_EQ(unpack(packed, 24, position, row, 4, type_of(MPI_INT), comm), Status::ok);
    EXPECT_EQ(row[0], 1);
    EXPECT_EQ(row[3], 13);
    EXPECT_EQ(unpack(packed, 24, position, &value, 2, type_of(MPI_DOUBLE), comm), Status::arg);
    ASSERT_EQ(unpack(packed, 24, position, &value, 1, type_of(MPI_DOUBLE), comm), Status::ok);
    EXPECT_EQ(value, 1.5);
    EXPECT_EQ(position, 24);
    position = -1;
    EXPECT_EQ(unpack(packed, 24, position, row, 1, type_of(MPI_INT), comm), Status::arg);
    position = 25;
    EXPECT_EQ(unpack(packed, 24, position, row, 0, type_of(MPI_INT), comm), Status::arg);
}

TEST(Pack, SizeIsTheData) {
    Comm comm;
    Count size = 0;
    ASSERT_EQ(pack_size(3, type_of(MPI_DOUBLE_INT), comm, size), Status::ok);
    EXPECT_EQ(size, 36);
    EXPECT_EQ(pack_size(INT64_MAX, type_of(MPI_INT), comm, size), Status::count);
}

TEST(GetCount, WholeElementsOrUndefined) {
    EXPECT_EQ(count_of(12, type_of(MPI_INT)), 3);
    EXPECT_EQ(count_of(13, type_of(MPI_INT)), MPI_UNDEFINED);
    EXPECT_EQ(count_of(0, type_of(MPI_INT)), 0);
    EXPECT_EQ(count_of(Count{1} << 40, type_of(MPI_DOUBLE)), Count{1} << 37);
    EXPECT_EQ(count_of(24, type_of(MPI_DOUBLE_INT)), 2);
    Twin empty;
    ASSERT_EQ(type_contiguous(0, type_of(MPI_INT), empty.type), Status::ok);
    EXPECT_EQ(count_of(0, *empty.type), 0);
    EXPECT_EQ(count_of(4, *empty.type), MPI_UNDEFINED);
    EXPECT_EQ(elements_of(0, *empty.type), 0);
    EXPECT_EQ(elements_of(4, *empty.type), MPI_UNDEFINED);
}

TEST(GetElements, ExampleOfTheStandard) {
    // MPI-5.0 §5.1.11: two, then three reals, received as pairs of reals.
    Twin two;
    ASSERT_EQ(type_contiguous(2, type_of(MPI_FLOAT), two.type), Status::ok);
    EXPECT_EQ(count_of(8, *two.type), 1);
    EXPECT_EQ(elements_of(8, *two.type), 2);
    EXPECT_EQ(count_of(12, *two.type), MPI_UNDEFINED);
    EXPECT_EQ(elements_of(12, *two.type), 3);
}

TEST(GetElements, PairsAreTwo) {
    EXPECT_EQ(elements_of(8, type_of(MPI_2INT)), 2);
    EXPECT_EQ(elements_of(4, type_of(MPI_2INT)), 1);
    EXPECT_EQ(elements_of(12, type_of(MPI_DOUBLE_INT)), 2);
    EXPECT_EQ(elements_of(20, type_of(MPI_DOUBLE_INT)), 3);
    EXPECT_EQ(elements_of(16, type_of(MPI_DOUBLE_INT)), MPI_UNDEFINED);
    EXPECT_EQ(elements_of(2, type_of(MPI_SHORT_INT)), 1);
    EXPECT_EQ(elements_of(16, type_of(MPI_C_DOUBLE_COMPLEX)), 1);
}

TEST(GetElements, HugeCountsAreNotExpanded) {
    const Count n = Count{1} << 50;
    const int lengths[] = {1, 1};
    const Aint at[] = {0, 8};
    const MPI_Datatype types[] = {MPI_DOUBLE, MPI_CHAR};
    Twin record;
    ASSERT_EQ(type_create_struct(2, lengths, at, DatatypeArray(types), record.type), Status::ok);
    Twin many;
    ASSERT_EQ(type_contiguous(n, *record.type, many.type), Status::ok);
    EXPECT_EQ(elements_of(9 * (n - 1) + 8, *many.type), 2 * n - 1);
    EXPECT_EQ(elements_of(9 * (n - 1) + 7, *many.type), MPI_UNDEFINED);
}

}  // namespace
}  // namespace mpi::testing
