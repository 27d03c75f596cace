// Lets processes attach to boards: the messages of firmware/protocol/attach.h. Everything that a
// process says is checked; one that talks nonsense is told so, or cut off.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "firmware/emulator/doorbell.hpp"
#include "firmware/emulator/driver.hpp"
#include "firmware/emulator/lockstep.hpp"
#include "firmware/emulator/shared_memory.hpp"
#include "firmware/protocol/attach.h"

namespace emulator {

class AttachServer {
  public:
    /// Listens on the abstract socket `name`. All outlive it; `drivers` by ascending board id;
    /// `lockstep`: null in fast mode.
    static adi::Result<std::unique_ptr<AttachServer>> make(
        const std::string& name, std::span<const std::unique_ptr<Driver>> drivers,
        const SharedMemory& fabric, Lockstep* lockstep, Doorbell& doorbell);
    ~AttachServer();
    AttachServer(const AttachServer&) = delete;
    AttachServer& operator=(const AttachServer&) = delete;

    /// The doorbell said that the descriptor with this token is ready. Tokens below kTokens are not
    /// the server's.
    void serve(std::uint64_t token);
    static constexpr std::uint64_t kTokens = 16;

    std::size_t clients() const { return clients_.size(); }

  private:
    struct Client {
        Descriptor socket;
        pid_t process = 0;
        Driver* driver = nullptr;  // null: it has no endpoint
        std::uint32_t endpoint = 0;
        std::uint32_t key = 0, node = 0, nodes = 0;
        bool connecting = false;  // an answer is owed
        bool connected = false;
    };

    AttachServer(std::span<const std::unique_ptr<Driver>> drivers, const SharedMemory& fabric,
                 Lockstep* lockstep, Doorbell& doorbell)
        : drivers_(drivers), fabric_(fabric), lockstep_(lockstep), doorbell_(doorbell) {}

    void accept_clients();
    bool talk(std::uint64_t token, Client& client);
    void drop(std::uint64_t token);
    bool open(Client& client, const fm_attach_request& request);
    bool connect(std::uint64_t token, Client& client, const fm_attach_request& request);
    bool pin(Client& client, const fm_attach_request& request);
    bool unpin(Client& client, const fm_attach_request& request);
    void connected(std::uint64_t token, bool ok);
    std::string wrong_with(const fm_attach_request& request) const;
    Driver* place(const fm_attach_request& request) const;
    bool answer(Client& client, std::uint32_t status, const std::string& text = "",
                std::uint32_t argument = 0, std::span<const int> descriptors = {});

    std::span<const std::unique_ptr<Driver>> drivers_;
    const SharedMemory& fabric_;
    Lockstep* lockstep_;
    Doorbell& doorbell_;
    Descriptor listener_;
    std::map<std::uint64_t, Client> clients_;
    std::uint64_t next_token_ = kTokens + 1;  // kTokens itself is the listener's
};

}  // namespace emulator
