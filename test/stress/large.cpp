// Messages and datatypes beyond 2 and 4 GiB: what a 32-bit length, offset or count anywhere on the
// way would break.
//
//     large CASE
//
// Status 77 means that the machine has too little memory free; the line says how much is needed.
#include <mpi.h>
#include <sys/mman.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>

namespace {

constexpr MPI_Count kMi = 1 << 20;
constexpr MPI_Count kGi = 1 << 30;
constexpr int kSkipped = 77;

int rank, size;

void check(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "rank %d: %s\n", rank, what);
    MPI_Abort(MPI_COMM_WORLD, 1);
    std::abort();
}

/// Fresh zeros from the kernel: what is never touched costs nothing.
class Memory {
  public:
    explicit Memory(MPI_Count bytes) : bytes_(static_cast<std::size_t>(bytes)) {
        base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        check(base_ != MAP_FAILED, "no address space");
        madvise(base_, bytes_, MADV_HUGEPAGE);
    }
    ~Memory() { munmap(base_, bytes_); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    template <class T = std::uint64_t>
    T* as() const {
        return static_cast<T*>(base_);
    }
    MPI_Count words() const { return static_cast<MPI_Count>(bytes_ / sizeof(std::uint64_t)); }

  private:
    std::size_t bytes_;
    void* base_;
};

/// Word `i` of a message: no two places of one message, and no place of two messages, are alike.
std::uint64_t word(std::uint64_t seed, MPI_Count i) {
    return static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15ULL + seed;
}
void fill(std::uint64_t* words, MPI_Count n, std::uint64_t seed) {
    for (MPI_Count i = 0; i < n; ++i) words[i] = word(seed, i);
}
void expect(const std::uint64_t* words, MPI_Count n, std::uint64_t seed) {
    for (MPI_Count i = 0; i < n; ++i) {
        if (words[i] == word(seed, i)) [[likely]]
            continue;
        std::fprintf(stderr, "rank %d: word %lld of %lld is wrong\n", rank,
                     static_cast<long long>(i), static_cast<long long>(n));
        check(false, "wrong data");
    }
}

/// Blocks of 3 words with a gap of one after each; `words` of data in one element.
MPI_Datatype three_of_four(MPI_Count words) {
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_Type_vector_c(words / 3, 3, 4, MPI_UINT64_T, &type);
    MPI_Type_commit(&type);
    MPI_Count bytes = 0;
    MPI_Type_size_c(type, &bytes);
    check(bytes == words * 8, "MPI_Type_size_c");
    return type;
}
/// The words of such an element, numbered without the gaps.
void fill_gapped(std::uint64_t* words, MPI_Count n, std::uint64_t seed) {
    for (MPI_Count i = 0; i < n; ++i) words[i / 3 * 4 + i % 3] = word(seed, i);
}
void expect_gapped(const std::uint64_t* words, MPI_Count n, std::uint64_t seed) {
    for (MPI_Count i = 0; i < n; ++i) {
        check(words[i / 3 * 4 + i % 3] == word(seed, i), "wrong data between gaps");
    }
    for (MPI_Count i = 0; i < n / 3; i += 4096) check(words[i * 4 + 3] == 0, "a gap was written");
}

constexpr MPI_Count kMessageBytes = 6 * kGi + 5 * kMi;

/// Twice, since the first one is streamed and the second one fetched.
void send_contiguous() {
    const Memory memory(kMessageBytes);
    auto* data = memory.as();
    MPI_Datatype block = MPI_DATATYPE_NULL;
    MPI_Type_contiguous(kMi, MPI_BYTE, &block);
    MPI_Type_commit(&block);
    if (rank == 0) fill(data, memory.words(), 1);
    for (int round = 0; round < 2; ++round) {
        if (rank == 0) {
            MPI_Send_c(data, kMessageBytes, MPI_BYTE, 1, round, MPI_COMM_WORLD);
        } else {
            MPI_Status status;
            int n = 0;
            MPI_Count large = 0;
            MPI_Probe(0, round, MPI_COMM_WORLD, &status);
            MPI_Get_count(&status, MPI_BYTE, &n);
            MPI_Get_count_c(&status, MPI_BYTE, &large);
            check(n == MPI_UNDEFINED && large == kMessageBytes, "the count before the receive");
            MPI_Recv(data, static_cast<int>(kMessageBytes / kMi), block, 0, round, MPI_COMM_WORLD,
                     &status);
            MPI_Get_count(&status, block, &n);
            check(n == kMessageBytes / kMi, "the count after the receive");
            expect(data, memory.words(), 1);
            std::memset(data, 0, kMessageBytes);
        }
    }
    MPI_Type_free(&block);
}

void send_to_self() {
    const MPI_Count bytes = 5 * kGi + 24;
    const Memory from(bytes), to(bytes);
    fill(from.as(), from.words(), 2);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Status status;
    MPI_Isend_c(from.as(), bytes, MPI_BYTE, 0, 0, MPI_COMM_SELF, &request);
    MPI_Recv_c(to.as(), bytes, MPI_BYTE, 0, 0, MPI_COMM_SELF, &status);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Count n = 0;
    MPI_Get_count_c(&status, MPI_UINT64_T, &n);
    check(n == from.words(), "MPI_Get_count_c");
    expect(to.as(), to.words(), 2);
}

/// Data that lies with gaps, to data without, and back.
void send_derived() {
    const MPI_Count words = 3 * 201 * kMi, bytes = words * 8;  // 4.7 GiB
    MPI_Datatype type = three_of_four(words);
    if (rank == 0) {
        const Memory memory(bytes / 3 * 4);
        fill_gapped(memory.as(), words, 3);
        MPI_Send(memory.as(), 1, type, 1, 0, MPI_COMM_WORLD);
        std::memset(memory.as(), 0, static_cast<std::size_t>(bytes / 3 * 4));
        MPI_Status status;
        MPI_Recv(memory.as(), 1, type, 1, 1, MPI_COMM_WORLD, &status);
        expect_gapped(memory.as(), words, 3);
        MPI_Count elements = 0;
        MPI_Get_elements_c(&status, type, &elements);
        check(elements == words, "MPI_Get_elements_c");
    } else {
        const Memory memory(bytes);
        MPI_Recv_c(memory.as(), words, MPI_UINT64_T, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        expect(memory.as(), words, 3);
        MPI_Send_c(memory.as(), words, MPI_UINT64_T, 0, 1, MPI_COMM_WORLD);
    }
    MPI_Type_free(&type);
}

void bcast() {
    const MPI_Count bytes = 5 * kGi + 8;
    const Memory memory(bytes);
    if (rank == 1) fill(memory.as(), memory.words(), 4);
    MPI_Bcast_c(memory.as(), bytes, MPI_BYTE, 1, MPI_COMM_WORLD);
    expect(memory.as(), memory.words(), 4);
}

void allreduce() {
    const MPI_Count n = 5 * kGi / 4 + 3;  // ints
    const Memory memory(n * 4);
    auto* data = memory.as<int>();
    const auto value = [](MPI_Count i, int r) {
        return static_cast<int>((i ^ (i >> 20)) & 0xfffff) * (r + 1) + r;
    };
    for (MPI_Count i = 0; i < n; ++i) data[i] = value(i, rank);
    MPI_Allreduce_c(MPI_IN_PLACE, data, n, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    for (MPI_Count i = 0; i < n; ++i) {
        int sum = 0;
        for (int r = 0; r < size; ++r) sum += value(i, r);
        check(data[i] == sum, "a wrong sum");
    }
}

/// A user's function with int counts, over more elements than an int can count.
void user_operation() {
    const MPI_Count n = 2 * kGi + 100 * kMi + 7;
    const auto add = [](void* in, void* inout, int* length, MPI_Datatype*) {
        check(*length > 0, "a length that is not positive");
        auto* x = static_cast<std::uint8_t*>(in);
        auto* y = static_cast<std::uint8_t*>(inout);
        for (int i = 0; i < *length; ++i) y[i] = static_cast<std::uint8_t>(x[i] + y[i]);
    };
    const auto value = [](MPI_Count i, int r) {
        return static_cast<std::uint8_t>((i + (i >> 13)) * (r + 3));
    };
    MPI_Op op = MPI_OP_NULL;
    MPI_Op_create(add, 1, &op);
    const Memory memory(n);
    auto* data = memory.as<std::uint8_t>();
    for (MPI_Count i = 0; i < n; ++i) data[i] = value(i, rank);
    MPI_Allreduce_c(MPI_IN_PLACE, data, n, MPI_UINT8_T, op, MPI_COMM_WORLD);
    for (MPI_Count i = 0; i < n; ++i) {
        check(data[i] == static_cast<std::uint8_t>(value(i, 0) + value(i, 1)), "a wrong sum");
    }
    MPI_Op_free(&op);
}

void gather() {
    const MPI_Count bytes = 5 * kGi / 2;
    const Memory memory(rank == 0 ? 2 * bytes : bytes);
    fill(memory.as(), bytes / 8, static_cast<std::uint64_t>(rank));
    MPI_Gather_c(rank == 0 ? MPI_IN_PLACE : memory.as(), bytes, MPI_BYTE, memory.as(), bytes,
                 MPI_BYTE, 0, MPI_COMM_WORLD);
    if (rank != 0) return;
    for (int r = 0; r < 2; ++r) {
        expect(memory.as() + r * (bytes / 8), bytes / 8, static_cast<std::uint64_t>(r));
    }
}

/// Blocks that lie far apart: displacements beyond 2^31 and 2^32 elements, little data.
void displacements() {
    constexpr MPI_Count kWords = 32 * kMi / 8, kApart = 3 * kGi;
    const MPI_Count counts[] = {kWords * 8, kWords * 8};
    const MPI_Aint far_apart[] = {kApart, 2 * kApart}, near[] = {0, kWords * 8};
    const auto place = [&](const Memory& m, int r) { return m.as() + far_apart[r] / 8; };
    const Memory own(2 * kWords * 8), all(2 * kApart + kWords * 8), back(2 * kWords * 8);

    fill(own.as(), kWords, 10 + static_cast<std::uint64_t>(rank));
    MPI_Gatherv_c(own.as(), kWords * 8, MPI_BYTE, all.as(), counts, far_apart, MPI_BYTE, 0,
                  MPI_COMM_WORLD);
    for (int r = 0; rank == 0 && r < 2; ++r) {
        expect(place(all, r), kWords, 10 + static_cast<std::uint64_t>(r));
    }
    MPI_Scatterv_c(all.as(), counts, far_apart, MPI_BYTE, back.as(), kWords * 8, MPI_BYTE, 0,
                   MPI_COMM_WORLD);
    expect(back.as(), kWords, 10 + static_cast<std::uint64_t>(rank));
    MPI_Allgatherv_c(own.as(), kWords * 8, MPI_BYTE, all.as(), counts, far_apart, MPI_BYTE,
                     MPI_COMM_WORLD);
    for (int r = 0; r < 2; ++r) expect(place(all, r), kWords, 10 + static_cast<std::uint64_t>(r));

    for (int r = 0; r < 2; ++r) {
        fill(place(all, r), kWords, static_cast<std::uint64_t>(20 + 2 * rank + r));
    }
    MPI_Alltoallv_c(all.as(), counts, far_apart, MPI_BYTE, back.as(), counts, near, MPI_BYTE,
                    MPI_COMM_WORLD);
    for (int r = 0; r < 2; ++r) {
        expect(back.as() + r * kWords, kWords, static_cast<std::uint64_t>(20 + 2 * r + rank));
    }
}

void pack() {
    const MPI_Count words = 3 * 134 * kMi, bytes = words * 8;  // 3.1 GiB
    MPI_Datatype type = three_of_four(words);
    MPI_Count needed = 0;
    MPI_Pack_size_c(1, type, MPI_COMM_SELF, &needed);
    check(needed >= bytes, "MPI_Pack_size_c");
    int small = 0;
    MPI_Pack_size(1, type, MPI_COMM_SELF, &small);
    check(small == MPI_UNDEFINED, "MPI_Pack_size");
    const Memory gapped(bytes / 3 * 4), packed(needed + 8);
    fill_gapped(gapped.as(), words, 5);
    MPI_Count position = 0;
    const std::uint64_t last = 0x123456789abcdef0;
    MPI_Pack_c(gapped.as(), 1, type, packed.as(), needed + 8, &position, MPI_COMM_SELF);
    MPI_Pack_c(&last, 1, MPI_UINT64_T, packed.as(), needed + 8, &position, MPI_COMM_SELF);
    check(position == bytes + 8, "the position after packing");

    std::memset(gapped.as(), 0, static_cast<std::size_t>(bytes / 3 * 4));
    std::uint64_t word_back = 0;
    position = 0;
    MPI_Unpack_c(packed.as(), needed + 8, &position, gapped.as(), 1, type, MPI_COMM_SELF);
    MPI_Unpack_c(packed.as(), needed + 8, &position, &word_back, 1, MPI_UINT64_T, MPI_COMM_SELF);
    check(position == bytes + 8 && word_back == last, "the position after unpacking");
    expect_gapped(gapped.as(), words, 5);
    MPI_Type_free(&type);
}

struct Case {
    const char* name;
    MPI_Count needs_bytes;  // all ranks together, with what the library takes
    void (*run)();
};
const Case kCases[] = {
    {"send", 13 * kGi, send_contiguous},
    {"self", 11 * kGi, send_to_self},
    {"derived", 12 * kGi, send_derived},
    {"bcast", 11 * kGi, bcast},
    {"allreduce", 15 * kGi, allreduce},
    {"user-operation", 9 * kGi, user_operation},
    {"gather", 8 * kGi, gather},
    {"displacements", kGi, displacements},
    {"pack", 9 * kGi, pack},
};

MPI_Count available_bytes() {
    std::ifstream info("/proc/meminfo");
    std::string key, unit;
    for (MPI_Count kib = 0; info >> key >> kib; std::getline(info, unit)) {
        if (key == "MemAvailable:") return kib * 1024;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const auto* chosen = std::find_if(std::begin(kCases), std::end(kCases), [&](const Case& c) {
        return argc == 2 && std::strcmp(argv[1], c.name) == 0;
    });
    check(chosen != std::end(kCases), "no such case");
    MPI_Count available = available_bytes();
    MPI_Bcast(&available, 1, MPI_COUNT, 0, MPI_COMM_WORLD);
    const bool enough = available >= chosen->needs_bytes;
    if (!enough && rank == 0) {
        std::printf("skipped: needs %lld GiB, %lld GiB are free\n",
                    static_cast<long long>(chosen->needs_bytes / kGi),
                    static_cast<long long>(available / kGi));
    }
    if (enough) chosen->run();
    MPI_Finalize();
    return enough ? 0 : kSkipped;
}
