// The objects of libfabric that an endpoint is made of, opened and given back in order.
#pragma once

#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_rma.h>
#include <rdma/fi_tagged.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "devices/ofi/library.hpp"

namespace dev::ofi {

/// Any of libfabric's objects, with one owner.
template <class T>
class Handle {
  public:
    Handle() = default;
    Handle(Handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Handle& operator=(Handle&& other) noexcept {
        if (this != &other) {
            close();
            object_ = std::exchange(other.object_, nullptr);
        }
        return *this;
    }
    ~Handle() { close(); }
    void close() {
        if (object_ != nullptr) fi_close(&object_->fid);
        object_ = nullptr;
    }
    T* get() const { return object_; }
    T** out() { return &object_; }
    explicit operator bool() const { return object_ != nullptr; }

  private:
    T* object_ = nullptr;
};
using Memory = Handle<fid_mr>;

class Fabric {
  public:
    /// Opens what `info` describes; the fabric keeps it. False, with what libfabric said.
    bool open(const Library& library, Info info, std::size_t frame_bytes, std::string* error);
    void close();
    explicit operator bool() const { return static_cast<bool>(endpoint_); }

    const fi_info& info() const { return *info_; }
    std::string provider() const { return info_->fabric_attr->prov_name; }
    bool mr_mode(int bit) const { return (info_->domain_attr->mr_mode & bit) != 0; }
    std::string error(std::int64_t error) const { return library_->error(error); }

    fid_ep* endpoint() const { return endpoint_.get(); }
    fid_cq* queue() const { return queue_.get(); }
    /// Of the completion queue; -1: the provider has none.
    int wait_fd() const { return wait_fd_; }
    /// True: nothing has come, and wait_fd() tells when something does.
    bool may_wait() const;
    /// One post takes several frames.
    bool multi_recv() const { return multi_recv_; }

    /// This endpoint's address; empty when it has none that can be told.
    std::vector<std::uint8_t> address() const;
    /// Makes a peer's address known. FI_ADDR_UNSPEC: it is none.
    fi_addr_t insert(const std::vector<std::uint8_t>& address);

    /// Registers memory for `access`. False with libfabric's reason.
    bool register_memory(const void* address, std::size_t bytes, std::uint64_t access,
                         std::uint64_t key, Memory* memory, int* why = nullptr);

  private:
    bool open_queue(std::string* error);

    const Library* library_ = nullptr;
    Info info_;
    Handle<fid_fabric> fabric_;
    Handle<fid_domain> domain_;
    Handle<fid_av> addresses_;
    Handle<fid_cq> queue_;
    Handle<fid_ep> endpoint_;
    int wait_fd_ = -1;
    bool multi_recv_ = false;
};

}  // namespace dev::ofi
