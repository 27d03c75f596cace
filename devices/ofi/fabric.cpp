#include "devices/ofi/fabric.hpp"

namespace dev::ofi {

bool Fabric::open(const Library& library, Info info, std::size_t frame_bytes, std::string* error) {
    library_ = &library;
    info_ = std::move(info);
    const auto failed = [&](int answer, const char* what) {
        if (answer == 0) return false;
        *error = "ofi: provider " + provider() + ": " + what + ": " + library.error(answer);
        return true;
    };
    if (failed(library.fabric(info_->fabric_attr, fabric_.out()), "no fabric can be opened") ||
        failed(fi_domain(fabric_.get(), info_.get(), domain_.out(), nullptr),
               "no domain can be opened")) {
        return false;
    }
    fi_av_attr av = {};
    av.type =
        info_->domain_attr->av_type == FI_AV_UNSPEC ? FI_AV_TABLE : info_->domain_attr->av_type;
    if (failed(fi_av_open(domain_.get(), &av, addresses_.out(), nullptr),
               "no table of addresses can be made") ||
        !open_queue(error) ||
        failed(fi_endpoint(domain_.get(), info_.get(), endpoint_.out(), nullptr),
               "no endpoint can be opened") ||
        failed(fi_ep_bind(endpoint_.get(), &addresses_.get()->fid, 0), "the addresses' binding") ||
        failed(fi_ep_bind(endpoint_.get(), &queue_.get()->fid, FI_TRANSMIT | FI_RECV),
               "the completion queue's binding")) {
        return false;
    }
    if (failed(fi_enable(endpoint_.get()), "the endpoint cannot be enabled")) return false;
    // The provider `shm` fails before that.
    multi_recv_ = (info_->caps & FI_MULTI_RECV) != 0 &&
                  fi_setopt(&endpoint_.get()->fid, FI_OPT_ENDPOINT, FI_OPT_MIN_MULTI_RECV,
                            &frame_bytes, sizeof frame_bytes) == 0;
    return true;
}

bool Fabric::open_queue(std::string* error) {
    fi_cq_attr attributes = {};
    attributes.format = FI_CQ_FORMAT_TAGGED;
    attributes.size = info_->tx_attr->size + info_->rx_attr->size;
    for (const fi_wait_obj wait : {FI_WAIT_FD, FI_WAIT_NONE}) {
        attributes.wait_obj = wait;
        const int answer = fi_cq_open(domain_.get(), &attributes, queue_.out(), nullptr);
        if (answer == 0) {
            if (wait == FI_WAIT_NONE ||
                fi_control(&queue_.get()->fid, FI_GETWAIT, &wait_fd_) != 0) {
                wait_fd_ = -1;
            }
            return true;
        }
        *error = "ofi: provider " + provider() +
                 ": no completion queue can be opened: " + library_->error(answer);
    }
    return false;
}

void Fabric::close() {
    endpoint_.close();
    queue_.close();
    addresses_.close();
    domain_.close();
    fabric_.close();
    wait_fd_ = -1;
}

bool Fabric::may_wait() const {
    fid* waited = &queue_.get()->fid;
    return fi_trywait(fabric_.get(), &waited, 1) == 0;
}

std::vector<std::uint8_t> Fabric::address() const {
    std::vector<std::uint8_t> address(512);
    std::size_t bytes = address.size();
    if (fi_getname(&endpoint_.get()->fid, address.data(), &bytes) != 0) bytes = 0;
    address.resize(bytes);
    return address;
}

fi_addr_t Fabric::insert(const std::vector<std::uint8_t>& address) {
    // Providers read as much as their addresses have, which may be more than a peer claims.
    std::vector<std::uint8_t> padded = address;
    padded.resize(std::max<std::size_t>(512, address.size()));
    fi_addr_t inserted = FI_ADDR_UNSPEC;
    const int count = fi_av_insert(addresses_.get(), padded.data(), 1, &inserted, 0, nullptr);
    return count == 1 ? inserted : FI_ADDR_UNSPEC;
}

bool Fabric::register_memory(const void* address, std::size_t bytes, std::uint64_t access,
                             std::uint64_t key, Memory* memory, int* why) {
    int answer =
        fi_mr_reg(domain_.get(), address, bytes, access, 0, key, 0, memory->out(), nullptr);
    if (answer == 0 && mr_mode(FI_MR_ENDPOINT)) {
        answer = fi_mr_bind(memory->get(), &endpoint_.get()->fid, 0);
        if (answer == 0) answer = fi_mr_enable(memory->get());
        if (answer != 0) memory->close();
    }
    if (why != nullptr) *why = answer;
    return answer == 0;
}

}  // namespace dev::ofi
