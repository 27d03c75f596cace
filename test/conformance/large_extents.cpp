// Types whose counts, displacements and extents need more than 32 bits.
#include <sys/mman.h>

#include <array>

#include "test/conformance/errors.hpp"

namespace {

class LargeTypes : public errors::ErrorTest {};

TEST_F(LargeTypes, ExternalRepresentation) {
    MPI_Count size = -1;
    MPI_OK(MPI_Pack_external_size_c("external32", MPI_Count{1} << 40, MPI_LONG, &size));
    EXPECT_EQ(size, MPI_Count{4} << 40);
    const std::array<short, 2> sent{1, -2};
    std::array<unsigned char, 4> packed{};
    std::array<short, 2> received{};
    MPI_Count position = 0;
    MPI_OK(
        MPI_Pack_external_c("external32", sent.data(), 2, MPI_SHORT, packed.data(), 4, &position));
    EXPECT_EQ(position, 4);
    EXPECT_EQ(packed, (std::array<unsigned char, 4>{0, 1, 0xff, 0xfe}));
    position = 0;
    MPI_OK(MPI_Unpack_external_c("external32", packed.data(), 4, &position, received.data(), 2,
                                 MPI_SHORT));
    EXPECT_EQ(position, 4);
    EXPECT_EQ(received, sent);
}

TEST_F(LargeTypes, WrongArguments) {
    MPI_Datatype made = MPI_DATATYPE_NULL;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous_c(5, MPI_INT, &made));
    const MPI_Count sizes[] = {MPI_Count{1} << 40, MPI_Count{1} << 40};
    const MPI_Count ones[] = {1, 1};
    const MPI_Count zeros[] = {0, 0};
    std::array<MPI_Aint, 2> a{};
    std::array<MPI_Count, 2> c{};
    std::array<int, 4> i{};
    run({
        {"array", MPI_ERR_VALUE_TOO_LARGE,
         [&] {
             return MPI_Type_create_subarray_c(2, sizes, ones, zeros, MPI_ORDER_C, MPI_INT, &type);
         }},
        {"upper bound", MPI_ERR_VALUE_TOO_LARGE,
         [&] { return MPI_Type_create_resized(MPI_INT, PTRDIFF_MAX, 1, &type); }},
        {"envelope of large counts", MPI_ERR_TYPE,
         [&] { return MPI_Type_get_envelope(made, &i[0], &i[1], &i[2], &i[3]); }},
        {"contents of a named type", MPI_ERR_TYPE,
         [&] { return MPI_Type_get_contents_c(MPI_INT, 1, 1, 1, 1, &i[0], &a[0], &c[0], &type); }},
        {"contents of large counts", MPI_ERR_TYPE,
         [&] { return MPI_Type_get_contents(made, 1, 1, 1, &i[0], &a[0], &type); }},
        {"contents without room", MPI_ERR_ARG,
         [&] { return MPI_Type_get_contents_c(made, 1, 1, 0, 1, &i[0], &a[0], &c[0], &type); }},
        {"contents, negative room", MPI_ERR_ARG,
         [&] { return MPI_Type_get_contents_c(made, -1, 1, 1, 1, &i[0], &a[0], &c[0], &type); }},
    });
    EXPECT_TRUE(type == MPI_DATATYPE_NULL);
    MPI_OK(MPI_Type_free(&made));
}

TEST_F(LargeTypes, SizesThatNoIntHolds) {
    constexpr MPI_Count kBig = MPI_Count{3} << 32;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous_c(kBig, MPI_DOUBLE, &type));
    int size = 0;
    MPI_Count large = 0;
    MPI_OK(MPI_Type_size(type, &size));
    EXPECT_EQ(size, MPI_UNDEFINED);
    MPI_OK(MPI_Type_size_x(type, &large));
    EXPECT_EQ(large, 8 * kBig);
    MPI_OK(MPI_Type_size_c(type, &large));
    EXPECT_EQ(large, 8 * kBig);
    MPI_Count bounds[4]{};
    MPI_OK(MPI_Type_get_extent_c(type, &bounds[0], &bounds[1]));
    MPI_OK(MPI_Type_get_true_extent_c(type, &bounds[2], &bounds[3]));
    EXPECT_EQ(bounds[1], 8 * kBig);
    EXPECT_EQ(bounds[3], 8 * kBig);
    MPI_OK(MPI_Type_commit(&type));
    int packed = 0;
    MPI_OK(MPI_Pack_size(1, type, comm(), &packed));
    EXPECT_EQ(packed, MPI_UNDEFINED);
    MPI_OK(MPI_Pack_size_c(2, type, comm(), &large));
    EXPECT_EQ(large, 16 * kBig);
    MPI_OK(MPI_Type_free(&type));
    EXPECT_MPI_CLASS(MPI_Type_contiguous_c(MPI_Count{1} << 61, MPI_DOUBLE, &type),
                     MPI_ERR_VALUE_TOO_LARGE);
}

/// Address space without memory: pages appear where data is written.
class Sparse {
  public:
    explicit Sparse(std::size_t bytes)
        : bytes_(bytes),
          data_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
    ~Sparse() {
        if (ok()) munmap(data_, bytes_);
    }
    Sparse(const Sparse&) = delete;
    Sparse& operator=(const Sparse&) = delete;
    bool ok() const { return data_ != MAP_FAILED; }
    int* at(std::size_t bytes) const {
        return reinterpret_cast<int*>(static_cast<char*>(data_) + bytes);
    }

  private:
    std::size_t bytes_;
    void* data_;
};

// Blocks more than 4 GiB apart, both forwards and backwards, sent and received.
TEST_F(LargeTypes, ExtentsBeyondFourGibibytes) {
    constexpr std::size_t kStride = (std::size_t{5} << 30) + 4096;
    constexpr std::size_t kPieces = 3;
    constexpr std::size_t kLength = 1000;
    const Sparse from(kPieces * kStride);
    const Sparse to(kPieces * kStride);
    if (!from.ok() || !to.ok()) GTEST_SKIP() << "no address space";
    for (std::size_t i = 0; i < kPieces; ++i)
        for (std::size_t k = 0; k < kLength; ++k)
            from.at(i * kStride)[k] = static_cast<int>(i * kLength + k);
    MPI_Datatype forwards = MPI_DATATYPE_NULL;
    MPI_Datatype backwards = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_hvector(kPieces, kLength, kStride, MPI_INT, &forwards));
    const MPI_Count places[] = {2 * MPI_Count{kStride} / 4, MPI_Count{kStride} / 4, 0};
    MPI_OK(MPI_Type_create_indexed_block_c(kPieces, kLength, places, MPI_INT, &backwards));
    MPI_OK(MPI_Type_commit(&forwards));
    MPI_OK(MPI_Type_commit(&backwards));
    MPI_OK(MPI_Sendrecv(from.at(0), 1, forwards, next(), 1, to.at(0), 1, backwards, previous(), 1,
                        comm(), MPI_STATUS_IGNORE));
    for (std::size_t i = 0; i < kPieces; ++i)
        for (std::size_t k = 0; k < kLength; ++k)
            ASSERT_EQ(to.at((kPieces - 1 - i) * kStride)[k], static_cast<int>(i * kLength + k));
    MPI_OK(MPI_Type_free(&forwards));
    MPI_OK(MPI_Type_free(&backwards));
}

// A corner of an array of 2^36 elements.
TEST_F(LargeTypes, SubarraysOfHugeArrays) {
    const MPI_Count sizes[] = {MPI_Count{1} << 18, MPI_Count{1} << 18};
    const MPI_Count subsizes[] = {2, 3};
    const MPI_Count starts[] = {sizes[0] - 2, sizes[1] - 3};
    const Sparse memory(std::size_t{4} << 36);
    if (!memory.ok()) GTEST_SKIP() << "no address space";
    MPI_Datatype corner = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_subarray_c(2, sizes, subsizes, starts, MPI_ORDER_C, MPI_INT, &corner));
    MPI_OK(MPI_Type_commit(&corner));
    for (int i = 0; i < 6; ++i) {
        const MPI_Count place = (starts[0] + i / 3) * sizes[1] + starts[1] + i % 3;
        *memory.at(static_cast<std::size_t>(4 * place)) = 10 + i;
    }
    std::array<int, 6> received{};
    MPI_OK(MPI_Sendrecv(memory.at(0), 1, corner, next(), 1, received.data(), 6, MPI_INT, previous(),
                        1, comm(), MPI_STATUS_IGNORE));
    EXPECT_EQ(received, (std::array<int, 6>{10, 11, 12, 13, 14, 15}));
    MPI_Count extent[2]{};
    MPI_OK(MPI_Type_get_extent_x(corner, &extent[0], &extent[1]));
    EXPECT_EQ(extent[1], MPI_Count{4} << 36);
    MPI_OK(MPI_Type_free(&corner));
}

TEST_F(LargeTypes, PackIntoPlacesBeyondFourGibibytes) {
    constexpr MPI_Count kRoom = (MPI_Count{5} << 30) + 64;
    const Sparse memory(static_cast<std::size_t>(kRoom));
    if (!memory.ok()) GTEST_SKIP() << "no address space";
    const std::array<int, 4> data{1, 2, 3, 4};
    MPI_Count position = kRoom - 16;
    MPI_OK(MPI_Pack_c(data.data(), 4, MPI_INT, memory.at(0), kRoom, &position, comm()));
    EXPECT_EQ(position, kRoom);
    std::array<int, 4> back{};
    position = kRoom - 16;
    MPI_OK(MPI_Unpack_c(memory.at(0), kRoom, &position, back.data(), 4, MPI_INT, comm()));
    EXPECT_EQ(back, data);
    EXPECT_MPI_CLASS(MPI_Pack_c(data.data(), 1, MPI_INT, memory.at(0), kRoom, &position, comm()),
                     MPI_ERR_ARG);
}

}  // namespace
