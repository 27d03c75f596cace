// A send and a receive under one request (MPI-5.0 §3.11).
#include <memory>
#include <new>

#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {
namespace {

/// Where a half goes to or comes from, and with which tag.
struct Peer {
    int rank;
    int tag;
};

/// The two halves of MPI_Isendrecv; the request is complete when both are.
class Exchange final : public Operation {
  public:
    /// Holds a reference to the datatype that is sent; `whole` holds the other one. With
    /// MPI_Isendrecv_replace `copy` is what is sent.
    Exchange(Request& whole, Datatype& sendtype, std::unique_ptr<std::byte[]> copy)
        : whole_(whole), sendtype_(sendtype), copy_(std::move(copy)) {
        retain(&sendtype);
    }
    ~Exchange() override { release(&sendtype_); }

    void begin(const adi::Buffer& out, const Peer& to, const adi::Buffer& in, const Peer& from) {
        const Comm& comm = *whole_.comm;
        from_proc_null_ = from.rank == MPI_PROC_NULL;
        open_ = 1;  // keeps the whole open until both halves have been started
        if (!from_proc_null_) {
            start_half(receive_);
            engine().irecv(receive_, pt2pt::match(comm, from.rank, from.tag), in);
        }
        if (to.rank != MPI_PROC_NULL) {
            start_half(send_);
            engine().isend(send_, comm.process(to.rank), pt2pt::match(comm, comm.rank, to.tag), out,
                           false);
        }
        half_done();
    }

    Status start(Request&) override {
        return fail(Status::request, "the request is not a persistent one");
    }

    Status outcome(Request&, MPI_Status* status) override {
        if (from_proc_null_) {
            set_proc_null(status);
        } else if (Status s = pt2pt::outcome_of_receive(receive_, status); s != Status::ok) {
            return s;
        }
        return from_adi(send_.status);
    }

    /// Each half is cancelled or not; the status tells of the receive.
    Status cancel(Request&) override {
        engine().cancel(receive_);
        engine().cancel(send_);
        return Status::ok;
    }

  private:
    struct Half : adi::Request {
        Exchange* exchange = nullptr;
    };

    void start_half(Half& half) {
        ++open_;
        half.exchange = this;
        half.on_complete = [](adi::Request& done) {
            static_cast<Half&>(done).exchange->half_done();
        };
    }

    /// The last one destroys this object if the request was freed.
    void half_done() {
        if (--open_ == 0) engine().finish(whole_, adi::Status::ok);
    }

    mpi::Request& whole_;
    Datatype& sendtype_;
    std::unique_ptr<std::byte[]> copy_;
    Half receive_, send_;
    int open_ = 0;
    bool from_proc_null_ = false;
};

/// Makes the request, its operation attached, and marks it as started; null without memory.
Exchange* make_exchange(Comm& comm, Datatype& sendtype, Datatype& recvtype,
                        std::unique_ptr<std::byte[]> copy, Request*& request) {
    request = pt2pt::make_request(comm, recvtype);
    if (request == nullptr) return nullptr;
    auto* exchange = new (std::nothrow) Exchange(*request, sendtype, std::move(copy));
    if (exchange == nullptr) {
        pt2pt::destroy(*request);
        request = nullptr;
        static_cast<void>(fail(Status::no_mem, "no memory for a request"));
        return nullptr;
    }
    request->operation.reset(exchange);
    request->active = true;
    return exchange;
}

}  // namespace

Status isendrecv(const void* sendbuf, Count sendcount, Datatype& sendtype, int dest, int sendtag,
                 void* recvbuf, Count recvcount, Datatype& recvtype, int source, int recvtag,
                 Comm& comm, Request*& request) {
    Exchange* exchange = make_exchange(comm, sendtype, recvtype, nullptr, request);
    if (exchange == nullptr) return Status::no_mem;
    exchange->begin(make_buffer(sendbuf, sendcount, sendtype), {dest, sendtag},
                    make_buffer(recvbuf, recvcount, recvtype), {source, recvtag});
    return Status::ok;
}

Status isendrecv_replace(void* buf, Count count, Datatype& datatype, int dest, int sendtag,
                         int source, int recvtag, Comm& comm, Request*& request) {
    const adi::Buffer user = make_buffer(buf, count, datatype);
    std::unique_ptr<std::byte[]> copy;
    if (Status s = pt2pt::copy_out(user, dest, copy); s != Status::ok) return s;
    const adi::Buffer out = adi::contiguous(copy.get(), user.bytes);
    Exchange* exchange = make_exchange(comm, datatype, datatype, std::move(copy), request);
    if (exchange == nullptr) return Status::no_mem;
    exchange->begin(out, {dest, sendtag}, user, {source, recvtag});
    return Status::ok;
}

}  // namespace mpi
