// Status and Result: how every layer below MPI reports what happened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace adi {

/// The outcome of an ADI or device operation. `again` is an answer, not an error: nothing was
/// done, nothing is lost, the caller makes progress and asks again.
enum class [[nodiscard]] Status : std::uint8_t{
    ok,
    again,         ///< no room or not ready now; poll, then retry
    truncated,     ///< the message was longer than the receive buffer
    peer_failed,   ///< the peer is dead or unreachable
    corrupt,       ///< bytes from a peer failed validation
    no_memory,     ///< memory or shared memory could not be had
    unsupported,   ///< the device does not offer this facet
    bad_argument,  ///< the caller broke the contract
    internal,      ///< a system call failed in a way that has no better name
};

/// Text for people; never null.
constexpr const char* to_string(Status s) {
    switch (s) {
        case Status::ok: return "ok";
        case Status::again: return "again";
        case Status::truncated: return "message truncated";
        case Status::peer_failed: return "peer failed";
        case Status::corrupt: return "corrupt data from a peer";
        case Status::no_memory: return "out of memory";
        case Status::unsupported: return "not supported by the device";
        case Status::bad_argument: return "bad argument";
        case Status::internal: return "internal error";
    }
    return "unknown status";
}

/// A value, or a Status with one sentence that says what was wrong and what to do. For control
/// paths only; hot paths return Status alone.
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : value_(std::move(value)) {}
    Result(Status status, std::string message) : status_(status), message_(std::move(message)) {}

    bool ok() const { return value_.has_value(); }
    explicit operator bool() const { return ok(); }
    T& operator*() { return *value_; }
    const T& operator*() const { return *value_; }
    T* operator->() { return &*value_; }
    Status status() const { return status_; }
    const std::string& message() const { return message_; }

  private:
    std::optional<T> value_;
    Status status_ = Status::ok;
    std::string message_;
};

}  // namespace adi
