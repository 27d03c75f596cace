// Nonblocking and persistent collectives (MPI-5.0 §6.12, §6.13): each is the blocking one's body,
// run on a fiber. When the body waits for a message, the program goes on; the message's arrival
// resumes the body in whatever MPI call polls then.
//
// What several operations on one communicator must not share, they do not share:
//   - the tag of their messages. Operations are numbered per communicator, which all ranks do
//     alike because they call collectives in one order. Blocking ones have number 0, persistent
//     ones numbers of their own, from their initialization, since ranks may start them in any
//     order;
//   - scratch memory: State;
//   - shared memory: only blocking collectives use it (Shared).
#pragma once

#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "mpi/coll/message.hpp"
#include "mpi/coll/state.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/datatype.hpp"
#include "mpi/core/int_array.hpp"
#include "mpi/core/op.hpp"
#include "mpi/core/process.hpp"
#include "mpi/core/request.hpp"

namespace mpi::coll {

enum class Start {
    now,      ///< a nonblocking operation
    by_user,  ///< a persistent one: by each MPI_Start
};

/// An operation that runs on a fiber.
class Running : public Operation {
  public:
    /// Runs until it waits for the first time.
    Status start(Request& request) final;
    Status outcome(Request& request, MPI_Status* status) final;
    /// Collectives cannot be cancelled.
    Status cancel(Request& request) final;
    /// Nor freed before they are complete. (MPI_Request_get_status tells that they are, and then
    /// programs free them.)
    Status check_free(Request& request) final;

    // --- for what runs ----------------------------------------------------------------------

    /// The operation's own state for collectives on `comm`; null when memory is out.
    State* state(const Comm& comm);
    int tag(Tag tag) const { return number_bits_ | static_cast<int>(tag); }
    /// Keeps the sentence of the failure that fail() just recorded, if it is the first.
    void keep_detail();

  private:
    friend Status make_request(std::unique_ptr<Running> operation, Comm& comm, Request*& request,
                               Start when);
    struct StateOf {
        const Comm* comm = nullptr;
        State state;
        std::unique_ptr<StateOf> next;
    };

    /// On the fiber.
    virtual Status run() = 0;
    static void enter(void* self) noexcept;

    Request* request_ = nullptr;
    int number_bits_ = 0;
    Status status_ = Status::ok;
    std::string detail_;
    StateOf state_;
};

/// The operation on whose fiber this is called, or null.
inline Running* running() {
    const adi::Fiber* fiber = engine().fiber();
    return fiber == nullptr ? nullptr : static_cast<Running*>(fiber->argument());
}

/// Makes the request of an operation on `comm`. A nonblocking one is started: it may be complete
/// already. Called by all ranks in one order.
Status make_request(std::unique_ptr<Running> operation, Comm& comm, Request*& request, Start when);

/// An argument of a body, kept for as long as the operation lives: a reference to a datatype or
/// an op is counted, since users may free those while the operation is pending. Arrays
/// of numbers stay the user's, who does not change them.
template <class T>
class Held {
  public:
    explicit Held(T value) : value_(value) {}
    T get() const { return value_; }

  private:
    T value_;
};
template <class T>
class Held<T&> {
  public:
    explicit Held(T& object) : object_(&object) { retain(object_); }
    Held(Held&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
        if (object_ != nullptr) release(object_);
    }
    T& get() const { return *object_; }

  private:
    T* object_;
};
/// The communicator is held by the request, once: MPI_Comm_disconnect counts on it.
template <>
class Held<Comm&> {
  public:
    explicit Held(Comm& comm) : comm_(&comm) {}
    Comm& get() const { return *comm_; }

  private:
    Comm* comm_;
};
/// An array of datatypes with its length.
struct Types {
    DatatypeArray array;
    int count;
};
template <>
class Held<DatatypeArray> {
  public:
    explicit Held(const Types& types);
    Held(Held&&) = default;
    Held& operator=(Held&&) = delete;
    ~Held();
    DatatypeArray get() const {
        return objects_.empty() ? DatatypeArray() : DatatypeArray(objects_.data());
    }

  private:
    std::vector<Datatype*> objects_;
};

/// The operation that calls `body`, a function object of type Status().
template <class Body>
class RunningBody final : public Running {
  public:
    explicit RunningBody(Body body) : body_(std::move(body)) {}

  private:
    Status run() override { return body_(); }

    Body body_;
};

[[gnu::cold]] Status out_of_memory();

/// Makes `request` an operation that runs body() on a fiber: at once, or whenever a persistent
/// request is started. All collectives inside of it, and Channel, work for it as they do for
/// blocking calls; what else it calls must not poll, nor wait but for engine requests, nor call
/// users' functions that communicate. Collective over `comm`, in the order of collective calls.
template <class Body>
Status start_on_fiber(Comm& comm, Request*& request, Body body, Start when = Start::now) {
    std::unique_ptr<Running> operation(new (std::nothrow) RunningBody<Body>(std::move(body)));
    if (operation == nullptr) return out_of_memory();
    return make_request(std::move(operation), comm, request, when);
}

/// A call of a blocking collective's body with these arguments, to be made later.
template <class... P, class... A>
auto later(Status (*body)(P...), A&&... arguments) {
    return [body, held = std::tuple<Held<P>...>(Held<P>(std::forward<A>(arguments))...)] {
        return std::apply([body](const auto&... h) { return body(h.get()...); }, held);
    };
}

}  // namespace mpi::coll
