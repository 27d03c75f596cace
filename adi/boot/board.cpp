#include "adi/boot/board.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "adi/base/number.hpp"

namespace adi {

namespace {

constexpr std::uint64_t kMagic = 0x6472616f424d5446;  // "FTMBoard"
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::size_t kCallBytes = 512;
constexpr std::uint32_t kInvitations = 512;  ///< that are kept

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

struct Board::Head {
    std::uint64_t magic;
    std::uint32_t ranks;
    std::atomic<std::uint32_t> lost_count;
    std::uint32_t lost[1];  ///< as many as the job has ranks
};

/// `version` is odd while the rest is being written.
struct alignas(kPageBytes) Board::Page {
    std::atomic<std::uint32_t> version;
    std::uint32_t phase;
    std::uint32_t waits;
    std::uint32_t unexpected;
    std::uint32_t posted;
    std::uint32_t zero;
    std::int64_t since_ns;
    std::atomic<std::uint64_t> looks;
    char call[kCallBytes];
    // The launcher's: the count is stored behind what it counts.
    std::atomic<std::uint32_t> invited_count;
    std::uint32_t invited_by[kInvitations];

    template <class Change>
    void change(Change&& make) {
        version.fetch_add(1, std::memory_order_acq_rel);
        make();
        version.fetch_add(1, std::memory_order_release);
    }
};

std::uint64_t Board::head_bytes(std::uint32_t ranks) {
    const std::uint64_t raw = offsetof(Head, lost) + sizeof(std::uint32_t) * std::uint64_t{ranks};
    return (raw + kPageBytes - 1) / kPageBytes * kPageBytes;
}

// --- the launcher's side -------------------------------------------------------------------------

std::optional<BoardKeeper> BoardKeeper::make(std::uint32_t ranks) {
    const std::uint64_t bytes = Board::head_bytes(ranks) + kPageBytes * ranks;
    rlimit limit{};  // beyond it a signal would come
    if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes) return std::nullopt;
    constexpr int kLeastFd = 64;
    const int made = ::memfd_create("fathom-board", MFD_CLOEXEC);
    if (made < 0) return std::nullopt;
    const int fd = ::fcntl(made, F_DUPFD_CLOEXEC, kLeastFd);
    ::close(made);
    if (fd < 0) return std::nullopt;
    BoardKeeper keeper(fd, ranks);
    struct {
        std::uint64_t magic;
        std::uint32_t ranks;
    } const head{kMagic, ranks};
    const auto head_bytes = static_cast<off_t>(Board::head_bytes(ranks));
    if (::ftruncate(fd, static_cast<off_t>(bytes)) != 0 || ::fallocate(fd, 0, 0, head_bytes) != 0 ||
        ::pwrite(fd, &head, offsetof(Board::Head, lost_count), 0) < 0) {
        return std::nullopt;
    }
    return keeper;
}

BoardKeeper::BoardKeeper(BoardKeeper&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ranks_(other.ranks_), lost_(other.lost_) {}

BoardKeeper& BoardKeeper::operator=(BoardKeeper&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(ranks_, other.ranks_);
    std::swap(lost_, other.lost_);
    return *this;
}

BoardKeeper::~BoardKeeper() {
    if (fd_ >= 0) ::close(fd_);
}

void BoardKeeper::mark_lost(std::uint32_t rank) {
    if (lost_ == ranks_) return;
    const auto place =
        static_cast<off_t>(offsetof(Board::Head, lost) + sizeof(std::uint32_t) * lost_);
    ++lost_;
    if (::pwrite(fd_, &rank, sizeof rank, place) < 0) return;
    (void)!::pwrite(fd_, &lost_, sizeof lost_, offsetof(Board::Head, lost_count));
}

void BoardKeeper::invite(std::uint32_t rank, std::uint32_t from) {
    if (rank >= ranks_) return;
    const auto page = static_cast<off_t>(Board::head_bytes(ranks_) + kPageBytes * rank);
    const auto count_at = page + static_cast<off_t>(offsetof(Board::Page, invited_count));
    std::uint32_t count = 0;
    if (::pread(fd_, &count, sizeof count, count_at) != sizeof count) return;
    const auto place = page + static_cast<off_t>(offsetof(Board::Page, invited_by) +
                                                 sizeof(std::uint32_t) * (count % kInvitations));
    ++count;
    if (::pwrite(fd_, &from, sizeof from, place) < 0) return;
    (void)!::pwrite(fd_, &count, sizeof count, count_at);
}

BoardRecord BoardKeeper::read(std::uint32_t rank) const {
    BoardRecord record;
    if (rank >= ranks_) return record;
    const auto place = static_cast<off_t>(Board::head_bytes(ranks_) + kPageBytes * rank);
    alignas(Board::Page) std::byte bytes[sizeof(Board::Page)];
    auto& page = *reinterpret_cast<Board::Page*>(bytes);
    // A rank that was killed while it wrote leaves an odd version: then as it is.
    for (int i = 0; i < 100; ++i) {
        if (::pread(fd_, bytes, sizeof bytes, place) != sizeof bytes) return record;
        std::uint32_t version = 0;
        if (::pread(fd_, &version, sizeof version, place) != sizeof version) return record;
        if (version % 2 == 0 && version == page.version.load()) break;
    }
    record.phase = static_cast<BoardPhase>(
        std::min(page.phase, static_cast<std::uint32_t>(BoardPhase::finalized)));
    record.waits = page.waits != 0;
    record.since_ns = page.since_ns;
    record.unexpected = page.unexpected;
    record.posted = page.posted;
    record.looks = page.looks.load();
    record.call.assign(page.call, ::strnlen(page.call, kCallBytes));
    return record;
}

// --- a rank's side -------------------------------------------------------------------------------

std::unique_ptr<Board> Board::open(std::uint32_t rank, std::uint32_t ranks) {
    const char* text = std::getenv(kBoardVariable);
    const auto fd = parse_number_within<int>(text == nullptr ? "" : text, 3, 1 << 24);
    struct stat info {};
    const std::uint64_t front = head_bytes(ranks);
    if (!fd || ::fstat(*fd, &info) != 0 || !S_ISREG(info.st_mode) ||
        static_cast<std::uint64_t>(info.st_size) != front + kPageBytes * ranks) {
        return nullptr;
    }
    // Memory before it is touched, so that there is no fault later.
    const auto place = static_cast<off_t>(front + kPageBytes * rank);
    if (::fallocate(*fd, 0, place, kPageBytes) != 0) return nullptr;
    void* head = ::mmap(nullptr, front, PROT_READ, MAP_SHARED, *fd, 0);
    void* page = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, place);
    if (head != MAP_FAILED && page != MAP_FAILED) {
        std::unique_ptr<Board> board(
            new Board(static_cast<Head*>(head), static_cast<Page*>(page), ranks));
        if (board->head_->magic == kMagic && board->head_->ranks == ranks) return board;
        return nullptr;
    }
    if (head != MAP_FAILED) ::munmap(head, front);
    if (page != MAP_FAILED) ::munmap(page, kPageBytes);
    return nullptr;
}

Board::~Board() {
    ::munmap(head_, head_bytes(ranks_));
    ::munmap(page_, kPageBytes);
}

const std::atomic<std::uint32_t>& Board::lost_count() const {
    return head_->lost_count;
}

std::uint32_t Board::lost(std::uint32_t i) const {
    return i < ranks_ ? head_->lost[i] : ranks_;
}

const std::atomic<std::uint32_t>& Board::invited_count() const {
    return page_->invited_count;
}

std::uint32_t Board::invited_by(std::uint32_t i) const {
    return page_->invited_by[i % kInvitations];
}

void Board::enter(BoardPhase phase) {
    page_->change([&] {
        page_->phase = static_cast<std::uint32_t>(phase);
        page_->waits = 0;
        if (phase == BoardPhase::starting) page_->call[0] = '\0';
    });
}

void Board::wait(std::string_view call, std::int64_t since_ns, std::uint32_t unexpected,
                 std::uint32_t posted) {
    page_->change([&] {
        const std::size_t n = std::min(call.size(), kCallBytes - 1);
        std::memcpy(page_->call, call.data(), n);
        page_->call[n] = '\0';
        page_->waits = 1;
        page_->since_ns = since_ns;
        page_->unexpected = unexpected;
        page_->posted = posted;
    });
}

void Board::go_on() {
    page_->change([&] {
        page_->waits = 0;
        page_->since_ns = now_ns();
    });
}

void Board::looked() {
    page_->looks.store(page_->looks.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace adi
