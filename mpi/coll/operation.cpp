#include "mpi/coll/operation.hpp"

#include "mpi/core/status.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi::coll {
namespace {

// A tag: the function in the low bits, then whether the operation is persistent, then its number,
// which begins anew after 32 million operations. Tags that meet again then do no harm, unless the
// older operation is still pending: messages of a pair keep their order.
constexpr int kPersistent = kMostTags;
constexpr int kFirstNumber = 2 * kPersistent;
constexpr std::uint32_t kNumbers = (std::uint32_t{1} << 31) / kFirstNumber;
static_assert(static_cast<int>(Tag::setup) < kMostTags);

/// The next operation's number, from 1 on: 0 is that of blocking ones.
int next_number(std::uint32_t& made) {
    return static_cast<int>(made++ % (kNumbers - 1)) + 1;
}

}  // namespace

int Channel::tag_on_fiber(Tag tag) {
    return running()->tag(tag);
}

void Outcome::failed(Status s) {
    if (first_ != Status::ok) return;
    first_ = s;
    if (Running* operation = running()) operation->keep_detail();
}

Status Running::start(Request& request) {
    request.stage = adi::Request::Stage::idle;
    request.active = true;
    request_ = &request;
    status_ = Status::ok;
    detail_.clear();
    return engine().spawn(enter, static_cast<Running*>(this)) ? Status::ok : out_of_memory();
}

void Running::enter(void* self) noexcept {
    Running& operation = *static_cast<Running*>(self);
    operation.status_ = operation.run();
    if (operation.status_ != Status::ok) operation.keep_detail();
    engine().finish(*operation.request_, adi::Status::ok);
}

void Running::keep_detail() {
    if (detail_.empty()) detail_ = error_detail();
    clear_error_detail();
}

Status Running::outcome(Request&, MPI_Status* status) {
    set_empty(status);
    return status_ == Status::ok ? Status::ok : fail(status_, "%s", detail_.c_str());
}

Status Running::cancel(Request&) {
    return fail(Status::request, "a collective operation cannot be cancelled");
}

Status Running::check_free(Request& request) {
    if (!request.active || request.complete()) return Status::ok;
    return fail(Status::request, "an active collective operation cannot be freed: complete it");
}

State* Running::state(const Comm& comm) {
    StateOf* entry = &state_;
    while (entry->comm != &comm) {
        if (entry->comm == nullptr) {
            entry->comm = &comm;
            break;
        }
        if (entry->next == nullptr) entry->next.reset(new (std::nothrow) StateOf);
        entry = entry->next.get();
        if (entry == nullptr) return nullptr;
    }
    return &entry->state;
}

Held<DatatypeArray>::Held(const Types& types) {
    for (int i = 0; types.array && i < types.count; ++i) {
        objects_.push_back(&types.array[i]);
        retain(objects_.back());
    }
}

Held<DatatypeArray>::~Held() {
    for (Datatype* type : objects_) release(type);
}

Status make_request(std::unique_ptr<Running> operation, Comm& comm, Request*& request, Start when) {
    const bool persistent = when == Start::by_user;
    State* state = own_state_of(comm);
    if (state == nullptr) return out_of_memory();
    operation->number_bits_ = persistent
                                  ? next_number(state->persistent_made) * kFirstNumber | kPersistent
                                  : next_number(state->nonblocking_made) * kFirstNumber;
    Request* r = table<Request>().create();
    if (r == nullptr) return fail(Status::no_mem, "no room for another request");
    retain(&comm);
    r->comm = &comm;
    r->operation = std::move(operation);
    r->persistent = persistent;
    if (!persistent) {
        if (const Status s = r->operation->start(*r); s != Status::ok) {
            pt2pt::destroy(*r);
            return s;
        }
    }
    request = r;
    return Status::ok;
}

}  // namespace mpi::coll
