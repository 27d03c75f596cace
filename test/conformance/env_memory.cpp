// MPI_Alloc_mem and MPI_Free_mem.
#include <array>
#include <cstring>

#include "test/conformance/errors.hpp"

namespace {

class Memory : public errors::ErrorTest {};

TEST_F(Memory, IsUsableForMessages) {
    for (const MPI_Aint size_bytes : {0, 1, 1000, 1 << 20}) {
        unsigned char* memory = nullptr;
        MPI_OK(MPI_Alloc_mem(size_bytes, MPI_INFO_NULL, &memory));
        ASSERT_NE(memory, nullptr);
        const mpitest::Bytes sent =
            mpitest::pattern(static_cast<std::size_t>(size_bytes), static_cast<unsigned>(rank()));
        MPI_OK(MPI_Sendrecv(sent.data(), static_cast<int>(size_bytes), MPI_BYTE, next(), 1, memory,
                            static_cast<int>(size_bytes), MPI_BYTE, previous(), 1, comm(),
                            MPI_STATUS_IGNORE));
        EXPECT_TRUE(mpitest::is_pattern(memory, static_cast<std::size_t>(size_bytes),
                                        static_cast<unsigned>(previous())));
        MPI_OK(MPI_Free_mem(memory));
    }
}

TEST_F(Memory, IsAlignedAsAskedFor) {
    for (const int alignment : {8, 64, 4096, 65536}) {
        MPI_Info info = MPI_INFO_NULL;
        MPI_OK(MPI_Info_create(&info));
        MPI_OK(MPI_Info_set(info, "mpi_minimum_memory_alignment",
                            (" " + std::to_string(alignment) + " ").c_str()));
        std::array<void*, 5> blocks{};
        for (void*& block : blocks) {
            MPI_OK(MPI_Alloc_mem(100, info, &block));
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % static_cast<unsigned>(alignment),
                      0U);
        }
        for (void* block : blocks) MPI_OK(MPI_Free_mem(block));
        MPI_OK(MPI_Info_free(&info));
    }
}

TEST_F(Memory, EachErrorClass) {
    using errors::For;
    void* block = nullptr;
    int mine = 0;
    void* freed = nullptr;
    MPI_Info odd = MPI_INFO_NULL;
    MPI_OK(MPI_Info_create(&odd));
    MPI_OK(MPI_Info_set(odd, "mpi_minimum_memory_alignment", "48"));
    MPI_OK(MPI_Alloc_mem(8, MPI_INFO_NULL, &freed));
    MPI_OK(MPI_Free_mem(freed));
    constexpr MPI_Aint kTooMuch = MPI_Aint{1} << 60;
    run({
        {"negative size", MPI_ERR_ARG, [&] { return MPI_Alloc_mem(-1, MPI_INFO_NULL, &block); }},
        {"too much", MPI_ERR_NO_MEM,
         [&] { return MPI_Alloc_mem(kTooMuch, MPI_INFO_NULL, &block); }},
        {"odd alignment", MPI_ERR_INFO_VALUE, [&] { return MPI_Alloc_mem(8, odd, &block); },
         For::kFathom},
        {"null result", MPI_ERR_ARG, [&] { return MPI_Alloc_mem(8, MPI_INFO_NULL, nullptr); },
         For::kFathom},
        {"not MPI's", MPI_ERR_BASE, [&] { return MPI_Free_mem(&mine); }, For::kFathom},
        {"freed", MPI_ERR_BASE, [&] { return MPI_Free_mem(freed); }, For::kFathom},
    });
    EXPECT_EQ(block, nullptr);
    MPI_OK(MPI_Info_free(&odd));
}

}  // namespace
