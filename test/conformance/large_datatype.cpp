// The variants for large counts of datatype calls, and datatypes larger than an int can say.
#include <array>

#include "test/support/mpi_test.hpp"

namespace {

class LargeDatatype : public mpitest::MpiTest {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    }
    void TearDown() override {
        MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
        MpiTest::TearDown();
    }
    // The same data as `other`'s, in the same order: what one packs, the other unpacks.
    void expect_alike(MPI_Datatype large, MPI_Datatype small) {
        MPI_Datatype types[] = {large, small};
        for (MPI_Datatype& type : types) MPI_OK(MPI_Type_commit(&type));
        std::array<MPI_Count, 2> sizes{}, lbs{}, extents{};
        std::array<mpitest::Bytes, 2> packed;
        const mpitest::Bytes memory = mpitest::pattern(4096, 1);
        for (std::size_t i = 0; i < 2; ++i) {
            MPI_OK(MPI_Type_size_c(types[i], &sizes[i]));
            MPI_OK(MPI_Type_get_extent_c(types[i], &lbs[i], &extents[i]));
            MPI_Count room = 0;
            MPI_Count position = 0;
            MPI_OK(MPI_Pack_size_c(2, types[i], comm(), &room));
            packed[i].resize(static_cast<std::size_t>(room));
            MPI_OK(MPI_Pack_c(memory.data() + 1024, 2, types[i], packed[i].data(), room, &position,
                              comm()));
            EXPECT_EQ(position, 2 * sizes[i]);
        }
        EXPECT_EQ(sizes[0], sizes[1]);
        EXPECT_EQ(lbs[0], lbs[1]);
        EXPECT_EQ(extents[0], extents[1]);
        EXPECT_EQ(packed[0], packed[1]);

        mpitest::Bytes back(4096, 0);
        MPI_Count position = 0;
        MPI_OK(MPI_Unpack_c(packed[0].data(), static_cast<MPI_Count>(packed[0].size()), &position,
                            back.data() + 1024, 2, types[0], comm()));
        EXPECT_EQ(position, 2 * sizes[0]);
        for (MPI_Datatype& type : types) MPI_OK(MPI_Type_free(&type));
    }
};

constexpr int kBlocks = 3;
constexpr std::array<int, kBlocks> kLengths{2, 1, 4};
constexpr std::array<int, kBlocks> kPlaces{0, 5, -7};
constexpr std::array<MPI_Count, kBlocks> kLargeLengths{2, 1, 4};
constexpr std::array<MPI_Count, kBlocks> kLargePlaces{0, 5, -7};

TEST_F(LargeDatatype, ConstructorsMakeTheSame) {
    MPI_Datatype large = MPI_DATATYPE_NULL;
    MPI_Datatype small = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous_c(5, MPI_INT, &large));
    MPI_OK(MPI_Type_contiguous(5, MPI_INT, &small));
    expect_alike(large, small);

    MPI_OK(MPI_Type_vector_c(3, 2, 5, MPI_SHORT, &large));
    MPI_OK(MPI_Type_vector(3, 2, 5, MPI_SHORT, &small));
    expect_alike(large, small);

    MPI_OK(MPI_Type_create_hvector_c(3, 2, -40, MPI_SHORT, &large));
    MPI_OK(MPI_Type_create_hvector(3, 2, -40, MPI_SHORT, &small));
    expect_alike(large, small);

    MPI_OK(MPI_Type_indexed_c(kBlocks, kLargeLengths.data(), kLargePlaces.data(), MPI_INT, &large));
    MPI_OK(MPI_Type_indexed(kBlocks, kLengths.data(), kPlaces.data(), MPI_INT, &small));
    expect_alike(large, small);

    const std::array<MPI_Aint, kBlocks> bytes{64, 0, -64};
    const std::array<MPI_Count, kBlocks> large_bytes{64, 0, -64};
    MPI_OK(MPI_Type_create_hindexed_c(kBlocks, kLargeLengths.data(), large_bytes.data(), MPI_INT,
                                      &large));
    MPI_OK(MPI_Type_create_hindexed(kBlocks, kLengths.data(), bytes.data(), MPI_INT, &small));
    expect_alike(large, small);

    const std::array<MPI_Datatype, kBlocks> types{MPI_INT, MPI_DOUBLE, MPI_CHAR};
    MPI_OK(MPI_Type_create_struct_c(kBlocks, kLargeLengths.data(), large_bytes.data(), types.data(),
                                    &large));
    MPI_OK(MPI_Type_create_struct(kBlocks, kLengths.data(), bytes.data(), types.data(), &small));
    expect_alike(large, small);
}

TEST_F(LargeDatatype, LargerThanAnIntCanSay) {
    const MPI_Count many = MPI_Count{3} << 30;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous_c(many, MPI_DOUBLE, &type));
    MPI_Count bytes = 0;
    int small = 0;
    MPI_OK(MPI_Type_size_c(type, &bytes));
    EXPECT_EQ(bytes, many * 8);
    MPI_OK(MPI_Type_size(type, &small));
    EXPECT_EQ(small, MPI_UNDEFINED);
    MPI_OK(MPI_Type_commit(&type));
    MPI_OK(MPI_Pack_size_c(2, type, comm(), &bytes));
    EXPECT_GE(bytes, many * 16);
    MPI_OK(MPI_Pack_size(2, type, comm(), &small));
    EXPECT_EQ(small, MPI_UNDEFINED);
    MPI_OK(MPI_Type_free(&type));

    // A stride whose lower half is another number.
    MPI_OK(MPI_Type_vector_c(2, 1, many, MPI_INT, &type));
    MPI_Count lb = -1;
    MPI_Count extent = 0;
    MPI_OK(MPI_Type_get_extent_c(type, &lb, &extent));
    EXPECT_EQ(lb, 0);
    EXPECT_EQ(extent, many * 4 + 4);
    MPI_OK(MPI_Type_free(&type));

    // By calls with int counts alone.
    MPI_Datatype inner = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(1 << 20, MPI_INT, &inner));
    MPI_OK(MPI_Type_contiguous(1 << 20, inner, &type));
    MPI_OK(MPI_Type_size_c(type, &bytes));
    EXPECT_EQ(bytes, MPI_Count{1} << 42);
    MPI_OK(MPI_Type_free(&inner));
    MPI_OK(MPI_Type_free(&type));
}

TEST_F(LargeDatatype, WrongCounts) {
    const MPI_Count bad = -(MPI_Count{1} << 32) + 1;  // its lower half is 1
    MPI_Datatype type = MPI_DATATYPE_NULL;
    EXPECT_MPI_CLASS(MPI_Type_contiguous_c(bad, MPI_INT, &type), MPI_ERR_COUNT);
    EXPECT_MPI_CLASS(MPI_Type_vector_c(1, bad, 1, MPI_INT, &type), MPI_ERR_ARG);
    const std::array<MPI_Count, 2> lengths{1, bad};
    const std::array<MPI_Count, 2> places{0, 8};
    EXPECT_MPI_CLASS(MPI_Type_indexed_c(2, lengths.data(), places.data(), MPI_INT, &type),
                     MPI_ERR_ARG);
    MPI_Count position = bad;
    int value = 0;
    EXPECT_MPI_CLASS(MPI_Pack_c(&value, 1, MPI_INT, &value, 4, &position, comm()), MPI_ERR_ARG);
    EXPECT_EQ(type, MPI_DATATYPE_NULL);
}

}  // namespace
