#include "firmware/emulator/attach_server.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace emulator {

namespace {

constexpr std::uint32_t kMaxStaging = 1024;

/// Every endpoint, and as many that are told that there is none.
constexpr std::size_t kMaxClients = 2 * FM_MAX_BOARDS * FM_ENDPOINTS;

}  // namespace

adi::Result<std::unique_ptr<AttachServer>> AttachServer::make(
    const std::string& name, std::span<const std::unique_ptr<Driver>> drivers,
    const SharedMemory& fabric, Lockstep* lockstep, Doorbell& doorbell) {
    std::unique_ptr<AttachServer> server(new AttachServer(drivers, fabric, lockstep, doorbell));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.empty() || name.size() > sizeof address.sun_path - 1)
        return {adi::Status::bad_argument, "the name to listen on has 1 to " +
                                               std::to_string(sizeof address.sun_path - 1) +
                                               " characters"};
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    server->listener_ =
        Descriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int fd = server->listener_.get();
    if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
        ::listen(fd, SOMAXCONN) != 0 || !doorbell.watch(fd, kTokens))
        return {adi::Status::internal,
                "cannot listen on the local socket '" + name + "': " + std::strerror(errno) +
                    (errno == EADDRINUSE ? "; another fm-fabric has that name" : "")};
    return server;
}

AttachServer::~AttachServer() {
    while (!clients_.empty()) drop(clients_.begin()->first);
    doorbell_.forget(listener_.get());
}

void AttachServer::serve(std::uint64_t token) {
    if (token == kTokens) {
        accept_clients();
        return;
    }
    const auto client = clients_.find(token);
    if (client != clients_.end() && !talk(token, client->second)) drop(token);
}

void AttachServer::accept_clients() {
    for (;;) {
        Descriptor socket(
            ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket) return;
        ucred peer{};
        socklen_t length = sizeof peer;
        const bool known =
            ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
            peer.uid == ::geteuid();
        if (!known || clients_.size() >= kMaxClients || !doorbell_.watch(socket.get(), next_token_))
            continue;
        Client& client = clients_[next_token_++];
        client.socket = std::move(socket);
        client.process = peer.pid;
    }
}

void AttachServer::drop(std::uint64_t token) {
    const auto client = clients_.find(token);
    doorbell_.forget(client->second.socket.get());
    if (client->second.driver != nullptr) client->second.driver->close(client->second.endpoint);
    clients_.erase(client);
}

bool AttachServer::talk(std::uint64_t token, Client& client) {
    fm_attach_request request;
    const ssize_t got =
        ::recv(client.socket.get(), &request, sizeof request, MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    if (client.connecting) return false;  // spoke out of turn
    if (got != sizeof request || request.version != FM_ATTACH_VERSION) {
        answer(client, FM_ATTACH_BAD, "program and emulator are of different versions");
        return false;
    }
    if ((request.op == FM_ATTACH_OPEN) != (client.driver == nullptr))
        return answer(client, FM_ATTACH_BAD, "one connection opens one endpoint, first of all");
    switch (request.op) {
        case FM_ATTACH_OPEN: return open(client, request);
        case FM_ATTACH_NODES: return connect(token, client, request);
        case FM_ATTACH_PIN: return pin(client, request);
        case FM_ATTACH_UNPIN: return unpin(client, request);
        default: return answer(client, FM_ATTACH_BAD, "no such request");
    }
}

std::string AttachServer::wrong_with(const fm_attach_request& request) const {
    if (request.key == 0 || request.nodes == 0 || request.nodes > FM_MAX_NODES ||
        request.argument >= request.nodes)
        return "a job has a key and 1 to 256 nodes";
    if (!std::has_single_bit(request.ring_slots) || request.ring_slots < 32 ||
        request.ring_slots > 1024)
        return "a receive ring has a power of two of slots, 32 to 1024";
    if (request.staging_pages > kMaxStaging) return "at most 1024 staging pages";
    if (std::any_of(drivers_.begin(), drivers_.end(),
                    [&](const auto& driver) { return driver->has(request.key, request.argument); }))
        return "node " + std::to_string(request.argument) + " of this job is attached already";
    return "";
}

Driver* AttachServer::place(const fm_attach_request& request) const {
    const std::size_t boards = drivers_.size();
    const auto free = [](const Driver& driver) {
        for (std::uint32_t endpoint = 0; endpoint < FM_ENDPOINTS; ++endpoint) {
            if (!driver.used(endpoint)) return true;
        }
        return false;
    };
    if (request.board != ~0U) {
        for (const auto& driver : drivers_) {
            if (driver->board().id() == request.board) return driver.get();
        }
        return nullptr;
    }
    // Neighbours share a board when there are more of them than boards.
    const std::size_t wanted = request.nodes > boards
                                   ? std::size_t{request.argument} * boards / request.nodes
                                   : request.argument;
    for (std::size_t i = 0; i < boards; ++i) {
        Driver* driver = drivers_[(wanted + i) % boards].get();
        if (free(*driver)) return driver;
    }
    return drivers_[wanted].get();
}

bool AttachServer::open(Client& client, const fm_attach_request& request) {
    const std::string wrong = wrong_with(request);
    if (!wrong.empty()) return answer(client, FM_ATTACH_BAD, wrong);
    Driver* driver = place(request);
    if (driver == nullptr)
        return answer(client, FM_ATTACH_BAD,
                      "the fabric has no board " + std::to_string(request.board));
    const auto endpoint = driver->reserve(request, client.process);
    if (!endpoint) return answer(client, FM_ATTACH_FULL, endpoint.message());
    client.driver = driver;
    client.endpoint = *endpoint;
    client.key = request.key;
    client.node = request.argument;
    client.nodes = request.nodes;
    const int descriptors[] = {driver->region(*endpoint).fd(), driver->counters().fd(),
                               driver->host(*endpoint).fd(), fabric_.fd()};
    return answer(client, FM_ATTACH_OK, "", 0, descriptors);
}

bool AttachServer::connect(std::uint64_t token, Client& client, const fm_attach_request& request) {
    if (client.connected || request.nodes != client.nodes)
        return answer(client, FM_ATTACH_BAD, "the nodes are said once, and all of them");
    const std::uint32_t own = client.driver->board().id() << 24 | client.endpoint << 16;
    const std::span<const std::uint32_t> places(request.places, client.nodes);
    if (places[client.node] != own ||
        std::any_of(places.begin(), places.end(),
                    [](std::uint32_t place) { return (place >> 16 & 0xff) >= FM_ENDPOINTS; }))
        return answer(client, FM_ATTACH_BAD, "a node's place is board << 24 | endpoint << 16");
    client.connecting = true;
    client.driver->open(client.endpoint, places, [this, token](bool ok) { connected(token, ok); });
    return true;
}

void AttachServer::connected(std::uint64_t token, bool ok) {
    const auto found = clients_.find(token);
    if (found == clients_.end()) return;
    Client& client = found->second;
    client.connecting = false;
    client.connected = ok;
    if (ok && lockstep_ != nullptr) {
        // Time waits for the processes of a job from when all of them are there.
        std::vector<Client*> job;
        for (auto& [other_token, other] : clients_) {
            if (other.connected && other.key == client.key) job.push_back(&other);
        }
        for (Client* member : job) {
            if (job.size() == client.nodes)
                lockstep_->begin(*member->driver->lockstep_host(member->endpoint));
        }
    }
    if (!answer(client, ok ? FM_ATTACH_OK : FM_ATTACH_BAD,
                ok ? "" : "the firmware did not open the endpoint"))
        drop(token);
}

bool AttachServer::pin(Client& client, const fm_attach_request& request) {
    const auto page = client.driver->pin(client.endpoint, request.address, request.bytes);
    if (page) return answer(client, FM_ATTACH_OK, "", *page);
    const std::uint32_t status = page.status() == adi::Status::again         ? FM_ATTACH_FULL
                                 : page.status() == adi::Status::unsupported ? FM_ATTACH_DENIED
                                                                             : FM_ATTACH_BAD;
    return answer(client, status, page.message());
}

bool AttachServer::unpin(Client& client, const fm_attach_request& request) {
    const std::uint64_t offset = request.address % FM_PAGE_BYTES;
    const std::uint64_t most = std::uint64_t{FM_PAGES} * FM_PAGE_BYTES;
    if (request.bytes == 0 || request.bytes > most)
        return answer(client, FM_ATTACH_BAD, "no such pages are registered");
    const auto pages =
        static_cast<std::uint32_t>((offset + request.bytes + FM_PAGE_BYTES - 1) / FM_PAGE_BYTES);
    if (!client.driver->unpin(client.endpoint, request.argument, pages))
        return answer(client, FM_ATTACH_BAD, "no such pages are registered");
    return answer(client, FM_ATTACH_OK);
}

bool AttachServer::answer(Client& client, std::uint32_t status, const std::string& text,
                          std::uint32_t argument, std::span<const int> descriptors) {
    fm_attach_answer reply{};
    reply.status = status;
    reply.argument = argument;
    reply.boards = static_cast<std::uint32_t>(drivers_.size());
    reply.timed = lockstep_ != nullptr ? 1 : 0;
    if (client.driver != nullptr) {
        reply.board = client.driver->board().id();
        reply.endpoint = client.endpoint;
    }
    std::memcpy(reply.text, text.data(), std::min(text.size(), sizeof reply.text - 1));
    iovec bytes{&reply, sizeof reply};
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
    }
    return ::sendmsg(client.socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) ==
           static_cast<ssize_t>(sizeof reply);
}

}  // namespace emulator
