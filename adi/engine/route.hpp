// Routes: which device leads to a peer, and the call of it.
//
// This is the one place under adi/ that knows concrete devices: self and shm are called through
// their final classes, so that a short message meets no indirect call; every other device costs
// one. Everything else about devices comes from the registry (adi/engine/registry.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "adi/device.hpp"
#include "adi/engine/request.hpp"
#include "devices/self/self.hpp"
#include "devices/shm/shm.hpp"

namespace adi {

/// A message that waits for room in a device: control (its payload is here), or a request's.
struct Outgoing {
    Header header;
    std::array<std::byte, kMostControlBytes> control{};
    Request* request = nullptr;
    std::uint64_t end_bytes = 0;  ///< data: the payload is sent up to here
};

struct Route;

/// What waits to be sent to one peer, in order. Made when first needed.
struct SendQueue {
    Peer peer = 0;
    Route* route = nullptr;
    bool listed = false;  ///< in the engine's list of busy queues
    std::deque<Outgoing> items;
};

enum class Way : std::uint8_t { unconnected, self, shm, other };

/// The way to a peer. Kept small: there are 64 of them for a peer alone (adi/base/paged.hpp).
struct Route {
    Way way = Way::unconnected;
    std::uint8_t device = 0;  ///< index in Devices::all, for Way::other
    bool leading = false;     ///< a message sent with a lead is not answered yet
    bool lost = false;        ///< the peer is; the way is `unconnected` for ever
    /// Messages shorter than this go in one call of the device; 0: not connected.
    std::uint32_t short_limit = 0;
    SendQueue* queue = nullptr;  ///< null or empty: messages may go straight to the device
};
static_assert(sizeof(Route) == 16);

/// The open devices.
struct Devices {
    std::vector<std::unique_ptr<Device>> all;
    dev::self::Self* self = nullptr;  ///< in `all` too, when the device is just that
    dev::shm::Shm* shm = nullptr;

    /// Calls f(device) with the route's device as its concrete type where it has one.
    template <class F>
    auto call(const Route& route, F&& f) {
        switch (route.way) {
            case Way::shm: return f(*shm);
            case Way::self: return f(*self);
            default: return f(*all[route.device]);
        }
    }
};

}  // namespace adi
