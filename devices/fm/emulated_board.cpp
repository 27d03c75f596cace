#include "devices/fm/emulated_board.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "adi/base/futex.hpp"

namespace dev::fm {

namespace {

constexpr std::size_t kDescriptors = 4;
/// dead() looks at the socket once in so many calls: that is how a killed emulator is noticed.
constexpr std::uint32_t kLookEvery = 1024;

std::string text_of(const fm_attach_answer& answer) {
    return std::string(answer.text, ::strnlen(answer.text, sizeof answer.text));
}

/// The descriptors that came with a message.
std::vector<int> descriptors_of(msghdr& message) {
    std::vector<int> result;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
            result.push_back(fd);
        }
    }
    return result;
}

}  // namespace

adi::Result<std::unique_ptr<Board>> open_emulated_board(const std::string& name,
                                                        const EndpointRequest& request) {
    return EmulatedBoard::open(name, request);
}

adi::Result<std::unique_ptr<Board>> EmulatedBoard::open(const std::string& name,
                                                        const EndpointRequest& request) {
    std::unique_ptr<EmulatedBoard> board(new EmulatedBoard(request));
    auto attached = board->attach(name);
    if (!attached)
        return {attached.status(), "Myrinet emulator '" + name + "': " + attached.message()};
    return std::unique_ptr<Board>(std::move(board));
}

EmulatedBoard::~EmulatedBoard() {
    if (lockstep_ != nullptr) lockstep_->away();
    for (const Mapping& mapping : mappings_) ::munmap(mapping.data, mapping.bytes);
    if (socket_ >= 0) ::close(socket_);
}

adi::Result<bool> EmulatedBoard::attach(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.empty() || name.size() > sizeof address.sun_path - 1)
        return {adi::Status::bad_argument, "no such name"};
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    socket_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (socket_ < 0 || ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), length) != 0)
        return {adi::Status::unsupported,
                std::string("cannot attach: ") + std::strerror(errno) + "; is fm-fabric running?"};
    // Its DMA engine reads and writes this process's memory where it is registered.
    ucred emulator{};
    socklen_t size = sizeof emulator;
    if (::getsockopt(socket_, SOL_SOCKET, SO_PEERCRED, &emulator, &size) == 0 && emulator.pid > 0)
        ::prctl(PR_SET_PTRACER, static_cast<unsigned long>(emulator.pid), 0UL, 0UL, 0UL);

    fm_attach_request open{};
    open.op = FM_ATTACH_OPEN;
    open.argument = request_.node;
    open.key = request_.key;
    open.nodes = request_.nodes;
    open.ring_slots = request_.ring_slots;
    open.staging_pages = request_.staging_pages;
    open.board = request_.board;
    std::vector<int> descriptors;
    const auto answer = ask(open, &descriptors);
    auto result = adi::Result<bool>(true);
    if (!answer)
        result = {adi::Status::internal, "it closed the connection"};
    else if (answer->status != FM_ATTACH_OK)
        result = {
            answer->status == FM_ATTACH_FULL ? adi::Status::no_memory : adi::Status::bad_argument,
            text_of(*answer)};
    else if (descriptors.size() != kDescriptors)
        result = {adi::Status::corrupt, "its answer lacks descriptors"};
    else
        result = map(descriptors, answer->timed != 0);
    for (const int fd : descriptors) ::close(fd);
    if (result) place_ = answer->board << 24 | answer->endpoint << 16;
    return result;
}

std::byte* EmulatedBoard::map_one(int fd, std::size_t bytes, bool writable) {
    void* data =
        ::mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) return nullptr;
    mappings_.push_back({static_cast<std::byte*>(data), bytes});
    return mappings_.back().data;
}

adi::Result<bool> EmulatedBoard::map(std::span<const int> descriptors, bool timed) {
    const std::size_t pages = std::size_t{1} + request_.ring_slots + request_.staging_pages;
    std::byte* region = map_one(descriptors[0], FM_ENDPOINT_BYTES, true);
    std::byte* counters = map_one(descriptors[1], FM_PAGE_BYTES, false);
    std::byte* host = map_one(descriptors[2], pages * FM_PAGE_BYTES, true);
    std::byte* fabric = map_one(descriptors[3], FM_PAGE_BYTES, true);
    if (region == nullptr || counters == nullptr || host == nullptr || fabric == nullptr)
        return {adi::Status::no_memory,
                std::string("cannot map what it shares: ") + std::strerror(errno)};
    endpoint_ = reinterpret_cast<fm_endpoint*>(region);
    counters_ = reinterpret_cast<const fm_counters*>(counters);
    status_ = reinterpret_cast<fm_host_status*>(host);
    ring_ = host + FM_PAGE_BYTES;
    staging_ = host + std::size_t{1 + request_.ring_slots} * FM_PAGE_BYTES;
    fabric_ = reinterpret_cast<fm_fabric_page*>(fabric);
    asleep_ = &fabric_->sleeping;
    ring_slots_ = request_.ring_slots;
    staging_pages_ = request_.staging_pages;
    if (timed) {
        lockstep_ = std::make_unique<LockstepClock>(
            *status_, fabric_->costs, [this] { kick(); }, [this] { return dead(); });
        clock_ = lockstep_.get();
        auto* trace = reinterpret_cast<fm_host_trace*>(host + FM_HOST_TRACE);
        if (trace->on != 0) lockstep_->trace(*trace);
    }
    return true;
}

std::optional<fm_attach_answer> EmulatedBoard::ask(const fm_attach_request& request,
                                                   std::vector<int>* descriptors) {
    fm_attach_request sent = request;
    sent.version = FM_ATTACH_VERSION;
    ssize_t done = 0;
    do {
        done = ::send(socket_, &sent, sizeof sent, MSG_NOSIGNAL);
    } while (done < 0 && errno == EINTR);
    fm_attach_answer answer{};
    iovec bytes{&answer, sizeof answer};
    alignas(cmsghdr) char control[CMSG_SPACE(kDescriptors * sizeof(int))];
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    do {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        done = ::recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
    } while (done < 0 && errno == EINTR);
    if (done >= 0 && descriptors != nullptr) *descriptors = descriptors_of(message);
    if (done != static_cast<ssize_t>(sizeof answer)) {
        gone_ = true;
        return std::nullopt;
    }
    return answer;
}

adi::Result<bool> EmulatedBoard::connect(const std::vector<std::uint32_t>& places) {
    if (places.size() != request_.nodes)
        return {adi::Status::bad_argument, "the places are not as many as the nodes"};
    fm_attach_request request{};
    request.op = FM_ATTACH_NODES;
    request.nodes = request_.nodes;
    std::copy(places.begin(), places.end(), request.places);
    const auto answer = ask(request);
    if (!answer) return {adi::Status::peer_failed, "the Myrinet emulator is gone"};
    if (answer->status != FM_ATTACH_OK) return {adi::Status::bad_argument, text_of(*answer)};
    return true;
}

adi::Result<Region> EmulatedBoard::pin(void* address, std::uint64_t bytes) {
    fm_attach_request request{};
    request.op = FM_ATTACH_PIN;
    request.address = reinterpret_cast<std::uintptr_t>(address);
    request.bytes = bytes;
    const auto answer = ask(request);
    if (!answer) return {adi::Status::peer_failed, "the Myrinet emulator is gone"};
    if (answer->status == FM_ATTACH_FULL) return {adi::Status::again, text_of(*answer)};
    if (answer->status != FM_ATTACH_OK)
        return {answer->status == FM_ATTACH_DENIED ? adi::Status::unsupported
                                                   : adi::Status::bad_argument,
                text_of(*answer)};
    return Region{answer->argument, static_cast<std::uint32_t>(request.address % FM_PAGE_BYTES),
                  bytes};
}

void EmulatedBoard::unpin(const Region& region) {
    fm_attach_request request{};
    request.op = FM_ATTACH_UNPIN;
    request.argument = region.page;
    request.address = region.offset;
    request.bytes = region.bytes;
    [[maybe_unused]] const auto answer = ask(request);  // gone or not, no DMA comes any more
}

void EmulatedBoard::rouse() {
    const std::atomic_ref<std::uint32_t> sleeping(fabric_->sleeping);
    if (sleeping.exchange(0, std::memory_order_seq_cst) != 0) adi::futex_wake(&fabric_->sleeping);
}

void EmulatedBoard::wake() {
    std::atomic_ref<std::uint32_t>(status_->events).fetch_add(1, std::memory_order_seq_cst);
    adi::futex_wake(&status_->events);
    if (lockstep_ != nullptr) lockstep_->call_back();
}

bool EmulatedBoard::dead() const {
    if (gone_ || std::atomic_ref<std::uint32_t>(status_->dead).load(std::memory_order_acquire) != 0)
        return true;
    if (++looks_ % kLookEvery != 0) return false;
    pollfd socket{socket_, POLLIN | POLLRDHUP, 0};
    gone_ = ::poll(&socket, 1, 0) > 0 && (socket.revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0;
    return gone_;
}

}  // namespace dev::fm
