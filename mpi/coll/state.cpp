#include "mpi/coll/state.hpp"

#include <algorithm>
#include <new>

#include "mpi/coll/hosts.hpp"
#include "mpi/coll/operation.hpp"
#include "mpi/coll/shared.hpp"

namespace mpi::coll {

std::byte* Scratch::get(std::uint64_t bytes) {
    if (bytes > bytes_ || memory_ == nullptr) {
        memory_.reset();
        // Some growth at a time, so that slowly growing uses do not allocate each time.
        bytes_ = std::max<std::uint64_t>(bytes, bytes_ + bytes_ / 2);
        bytes_ = std::max<std::uint64_t>(bytes_, 256);
        memory_.reset(new (std::nothrow) std::byte[bytes_]);
        if (memory_ == nullptr) bytes_ = 0;
    }
    return memory_.get();
}

std::span<adi::Request> State::requests(int n) {
    if (n > request_count_) {
        requests_.reset(new (std::nothrow) adi::Request[static_cast<std::size_t>(n)]);
        request_count_ = requests_ != nullptr ? n : 0;
    }
    return {requests_.get(), static_cast<std::size_t>(std::min(n, request_count_))};
}

State::~State() {
    if (shared != nullptr) Shared::leave(shared);
    delete hosts;
}

State* state_of(Comm& comm) {
    if (Running* operation = running()) [[unlikely]]
        return operation->state(comm);
    return own_state_of(comm);
}

State* own_state_of(Comm& comm) {
    if (comm.coll == nullptr) comm.coll = new (std::nothrow) State;
    return comm.coll;
}

void destroy(State* state) {
    delete state;
}

}  // namespace mpi::coll
