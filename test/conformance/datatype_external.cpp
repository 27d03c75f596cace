// The representation external32 by MPI calls.
#include <array>
#include <cstddef>

#include "test/support/mpi_test.hpp"

namespace {

using mpitest::Bytes;

class External : public mpitest::MpiTest {};

TEST_F(External, AStructThereAndBackAgain) {
    SKIP_ON_PEER(kMpich, "MPI_Pack_external_size of a struct crashes");
    SKIP_ON_PEER(kOpenMpi, "a long has the size that it has here");
    struct Record {
        char letter;
        double value;
        short number;
        long wide;
    };
    const std::array<int, 4> lengths{1, 1, 1, 1};
    const std::array<MPI_Aint, 4> places{0, offsetof(Record, value), offsetof(Record, number),
                                         offsetof(Record, wide)};
    const std::array<MPI_Datatype, 4> types{MPI_CHAR, MPI_DOUBLE, MPI_SHORT, MPI_LONG};
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_struct(4, lengths.data(), places.data(), types.data(), &type));
    MPI_OK(MPI_Type_commit(&type));
    MPI_Aint size = -1;
    MPI_OK(MPI_Pack_external_size("external32", 1000, type, &size));
    EXPECT_EQ(size, 15 * 1000);
    std::vector<Record> data(1000);
    for (std::size_t i = 0; i < data.size(); ++i) {
        const auto k = static_cast<int>(i);
        data[i] = {static_cast<char>(k), 0.5 * k, static_cast<short>(-k), -70000L * k};
    }
    Bytes packed(15000 + 5);
    MPI_Aint position = 5;
    MPI_OK(
        MPI_Pack_external("external32", data.data(), 1000, type, packed.data(), 15005, &position));
    EXPECT_EQ(position, 15005);
    EXPECT_EQ(Bytes(packed.begin() + 5, packed.begin() + 20), Bytes(15));
    const Bytes second{1, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe, 0xee, 0x90};
    EXPECT_EQ(Bytes(packed.begin() + 20, packed.begin() + 35), second);

    // Sent as bytes, it is understood on any machine.
    Bytes received(packed.size());
    MPI_OK(MPI_Sendrecv(packed.data(), 15005, MPI_BYTE, next(), 1, received.data(), 15005, MPI_BYTE,
                        previous(), 1, comm(), MPI_STATUS_IGNORE));
    std::vector<Record> back(1000);
    position = 5;
    MPI_OK(MPI_Unpack_external("external32", received.data(), 15005, &position, back.data(), 1000,
                               type));
    EXPECT_EQ(position, 15005);
    for (std::size_t i = 0; i < data.size(); ++i) {
        ASSERT_EQ(back[i].letter, data[i].letter);
        ASSERT_EQ(back[i].value, data[i].value);
        ASSERT_EQ(back[i].number, data[i].number);
        ASSERT_EQ(back[i].wide, data[i].wide);
    }
    MPI_OK(MPI_Type_free(&type));
}

TEST_F(External, NothingIsNothing) {
    SKIP_ON_PEER(kMpich, "refuses null pointers");
    SKIP_ON_PEER(kOpenMpi, "refuses null pointers");
    MPI_Aint position = 0;
    MPI_Aint size = -1;
    MPI_OK(MPI_Pack_external("external32", nullptr, 0, MPI_INT, nullptr, 0, &position));
    MPI_OK(MPI_Unpack_external("external32", nullptr, 0, &position, nullptr, 0, MPI_INT));
    EXPECT_EQ(position, 0);
    MPI_OK(MPI_Pack_external_size("external32", 0, MPI_INT, &size));
    EXPECT_EQ(size, 0);
}

}  // namespace
