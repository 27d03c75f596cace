// How a socket becomes a connection: the greeting, as a small machine for each side that is fed
// when its socket has something. It knows no peers' state: its owner decides.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devices/tcp/addresses.hpp"
#include "devices/tcp/format.hpp"

namespace dev::tcp {

using Clock = std::chrono::steady_clock;

/// A socket with one owner.
class Socket {
  public:
    Socket() = default;
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(other.release()) {}
    Socket& operator=(Socket&& other) noexcept;
    ~Socket() { close(); }
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release();
    void close();

  private:
    int fd_ = -1;
};

/// What socket options connections have.
void prepare_socket(int fd, std::chrono::milliseconds timeout);
/// Bounds what the kernel takes from this process before it is sent, where the way is short. Left
/// to itself the kernel takes megabytes, which are out of the caches before they are read again.
void bound_send_buffer(int fd);

/// A way to a peer that is being made from this side.
class Attempt {
  public:
    enum class State { connecting, challenged, answered, failed };
    /// Connects to `address`; what does not come at once comes later. `received` of the peer's
    /// stream are here already.
    Attempt(const Address& address, const Hello& hello, std::chrono::milliseconds timeout);

    int fd() const { return socket_.get(); }
    State state() const { return state_; }
    /// The socket is connected: the peer will answer when it looks.
    bool reached() const { return reached_; }
    /// Goes on as far as it goes. `received`: so much of the peer's stream is here.
    void advance(std::string_view secret, std::uint64_t received);
    /// When answered: what was.
    const Answer& answer() const { return answer_; }
    Socket take_socket() { return std::move(socket_); }
    /// When failed: errno, or 0.
    int error() const { return error_; }
    /// Why it is no connection, in words.
    std::string why() const;

  private:
    void fail(int error, const char* why = "");
    bool read(void* to, std::size_t bytes);

    Hello hello_;
    Challenge challenge_;
    Answer answer_;
    Socket socket_;
    State state_ = State::connecting;
    bool reached_ = false;
    std::size_t have_ = 0;  ///< bytes of what is being read
    int error_ = 0;
    const char* why_ = "";
};

/// A stranger that has connected, until it has shown who it is.
class Guest {
  public:
    enum class State { greeting, claiming, known, refused };
    explicit Guest(int fd) : socket_(fd) {}

    int fd() const { return socket_.get(); }
    State state() const { return state_; }
    void advance(std::string_view secret, std::uint32_t self, std::uint32_t size);
    /// When known: who it is, and how much of this process's stream it has.
    const Hello& hello() const { return hello_; }
    std::uint64_t received() const { return claim_.received; }
    /// Says the verdict, which process this is, and that `received` of its stream are here. False:
    /// it has gone.
    bool answer(std::string_view secret, Verdict verdict, std::uint64_t process,
                std::uint64_t received);
    Socket take_socket() { return std::move(socket_); }
    Clock::time_point since() const { return since_; }

  private:
    bool read(void* to, std::size_t bytes);

    Socket socket_;
    Hello hello_;
    Challenge challenge_;
    Claim claim_;
    State state_ = State::greeting;
    std::size_t have_ = 0;
    Clock::time_point since_ = Clock::now();
};

}  // namespace dev::tcp
