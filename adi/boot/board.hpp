// The board: memory that the launcher of one host shares with the ranks there, by a descriptor that
// they inherit. On it each rank says what it waits for, for reports of stuck jobs, and the launcher
// says which ranks of the job are lost, where the job goes on without them, and who wants a rank to
// connect to it.
//
//   a head     how many ranks are lost, and their numbers
//   a page     per rank of the job, written by that rank, but for its invitations, which are the
//              launcher's; pages of ranks elsewhere take no memory
//
// Nothing is asked of a rank when its page is read, so it may compute, sleep or be stopped. A rank
// without a board works the same, unreported.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace adi {

/// Names the inherited descriptor; set by the launcher.
inline constexpr const char* kBoardVariable = "FATHOM_BOARD_FD";

/// How far a rank has come in the life of MPI.
enum class BoardPhase : std::uint32_t { none, starting, running, finalized };

/// What a rank does.
struct BoardState {
    BoardPhase phase = BoardPhase::none;
    bool waits = false;            ///< in a call that has waited for long
    std::uint32_t unexpected = 0;  ///< messages that nobody has received
    std::uint32_t posted = 0;      ///< receives without a message
    std::string call;              ///< the long wait, or the last one; empty: there was none
};

/// What a rank's page says. Times are of CLOCK_MONOTONIC.
struct BoardRecord : BoardState {
    std::int64_t since_ns = 0;  ///< when that wait began, or the last long one ended
    std::uint64_t looks = 0;    ///< counts calls that look and find nothing (MPI_Test)
};

/// The launcher's side. It reads and writes by system calls: a rank that shrinks the file harms
/// nobody.
class BoardKeeper {
  public:
    /// A board for a job of `ranks`; empty where there is no such memory. Its descriptor is 64 at
    /// least: none that ranks get has that number.
    static std::optional<BoardKeeper> make(std::uint32_t ranks);
    BoardKeeper(BoardKeeper&& other) noexcept;
    BoardKeeper& operator=(BoardKeeper&& other) noexcept;
    ~BoardKeeper();

    int fd() const { return fd_; }
    /// Tells this host's ranks that `rank` is lost.
    void mark_lost(std::uint32_t rank);
    /// Tells `rank`, of this host, that `from` wants it to connect. The last few hundred are kept.
    void invite(std::uint32_t rank, std::uint32_t from);
    BoardRecord read(std::uint32_t rank) const;

  private:
    BoardKeeper(int fd, std::uint32_t ranks) : fd_(fd), ranks_(ranks) {}
    int fd_;
    std::uint32_t ranks_;
    std::uint32_t lost_ = 0;
};

/// A rank's side.
class Board {
  public:
    /// The board that the environment names, if it is one for a job of `ranks`; else null.
    static std::unique_ptr<Board> open(std::uint32_t rank, std::uint32_t ranks);
    ~Board();
    Board(const Board&) = delete;
    Board& operator=(const Board&) = delete;

    /// How many ranks are lost, for ever to be looked at, and the `i`th of them.
    const std::atomic<std::uint32_t>& lost_count() const;
    std::uint32_t lost(std::uint32_t i) const;

    /// How many invitations there were, and who sent the `i`th of them, if it is still here.
    const std::atomic<std::uint32_t>& invited_count() const;
    std::uint32_t invited_by(std::uint32_t i) const;

    void enter(BoardPhase phase);
    /// This rank waits, since `since_ns`; `call` is cut where it is too long.
    void wait(std::string_view call, std::int64_t since_ns, std::uint32_t unexpected,
              std::uint32_t posted);
    /// It does no more.
    void go_on();
    /// A call looked for something and found nothing.
    void looked();

  private:
    struct Head;
    struct Page;
    friend class BoardKeeper;
    Board(Head* head, Page* page, std::uint32_t ranks) : head_(head), page_(page), ranks_(ranks) {}
    static std::uint64_t head_bytes(std::uint32_t ranks);

    Head* head_;
    Page* page_;
    std::uint32_t ranks_;
};

}  // namespace adi
