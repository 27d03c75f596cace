// The engine's life: which devices it opens, the ways to peers, sleeping, shared memory.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "adi/base/config.hpp"
#include "adi/base/host.hpp"
#include "adi/engine/card.hpp"
#include "adi/engine/engine.hpp"
#include "adi/engine/registry.hpp"

namespace adi {
namespace {

std::string card_key(const char* device, Peer peer) {
    return std::string("fathom-") + device + "-" + std::to_string(peer);
}

/// The devices that the job may use, by FATHOM_DEVICE: names with commas between; all of the build
/// without it. A process always reaches itself by the device self.
Result<std::vector<DeviceEntry>> chosen_devices() {
    const std::span<const DeviceEntry> all = device_registry();
    const char* text = std::getenv("FATHOM_DEVICE");
    if (text == nullptr || *text == '\0') return std::vector(all.begin(), all.end());
    std::vector<bool> chosen(all.size());
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t comma = rest.find(',');
        const std::string_view word = rest.substr(0, comma);
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
        if (word.empty()) continue;
        const auto found = std::find_if(all.begin(), all.end(),
                                        [&](const DeviceEntry& e) { return e.name == word; });
        if (found == all.end()) {
            std::string names;
            for (const DeviceEntry& e : all)
                names += std::string(names.empty() ? "" : ", ") + e.name;
            return {Status::bad_argument, "FATHOM_DEVICE names the device \"" + std::string(word) +
                                              "\"; this build has " + names};
        }
        chosen[static_cast<std::size_t>(found - all.begin())] = true;
    }
    std::vector<DeviceEntry> devices;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (chosen[i] || all[i].name == std::string_view("self")) devices.push_back(all[i]);
    }
    return devices;
}

constexpr const char* kSecretKey = "fathom-secret";

/// Sees to it that the job has a secret. Fathom's mpirun keeps one for its ranks; under another
/// launcher rank 0 makes it, and the launcher's table, which no stranger reads, carries it.
Result<bool> offer_secret(Bootstrap& boot) {
    if (boot.rank() != 0 || !boot.launcher_secret().empty()) return true;
    const Result<std::string> secret = make_secret();
    if (!secret) return {secret.status(), secret.message()};
    return boot.put(kSecretKey, *secret);
}

Result<std::string> secret_of(Bootstrap& boot) {
    Result<std::string> secret = boot.launcher_secret();
    if (secret->empty()) secret = boot.get(0, kSecretKey);
    if (secret && secret->size() != kSecretDigits) {
        return {Status::corrupt, "the launcher's secret for this job is no secret"};
    }
    return secret;
}

}  // namespace

Status Engine::start(Bootstrap& boot, Hooks hooks, std::string* error) {
    self_ = static_cast<Peer>(boot.rank());
    hooks_ = std::move(hooks);
    if (hooks_.board != nullptr) {
        lost_count_ = &hooks_.board->lost_count();
        invited_count_ = &hooks_.board->invited_count();
    }
    fail_task_.engine = this;
    fail_task_.run = [](Task& task) { static_cast<FailTask&>(task).engine->fail_lost(); };
    routes_.resize(static_cast<std::size_t>(boot.size()));
    if (Status s = open_devices(boot, error); s != Status::ok) return s;
    // With a core for each process spinning is fastest; without, every look is somebody else's
    // time.
    wait_policy_.spin_ns =
        config_number("FATHOM_SPIN_US", oversubscribed_ ? 0 : 10, 0, 1'000'000) * 1000;
    wait_policy_.patience_ns = wait_policy_.spin_ns + (oversubscribed_ ? 50'000 : 90'000);
    return Status::ok;
}

Status Engine::open_devices(Bootstrap& boot, std::string* error) {
    Result<std::vector<Peer>> local = local_peers(boot);
    if (!local) {
        *error = local.message();
        return local.status();
    }
    const Result<std::vector<DeviceEntry>> entries = chosen_devices();
    if (!entries) {
        *error = entries.message();
        return entries.status();
    }
    OpenInfo info;
    info.self = self_;
    info.size = size();
    info.local = *local;
    oversubscribed_ = static_cast<int>(info.local.size()) > available_cpus();
    info.oversubscribed = oversubscribed_;
    info.chosen = std::getenv("FATHOM_DEVICE") != nullptr;
    info.secret = [&boot] { return secret_of(boot); };
    info.invite = [&boot](Peer peer) { boot.invite(static_cast<int>(peer)); };
    if (info.chosen || info.local.size() < size()) {
        if (Result<bool> offered = offer_secret(boot); !offered) {
            *error = offered.message();
            return offered.status();
        }
    }
    if (info.local.size() > 1 && !oversubscribed_) {
        const auto me = std::find(info.local.begin(), info.local.end(), self_);
        take_own_cpu(static_cast<std::size_t>(me - info.local.begin()), info.local.size());
    }
    for (const DeviceEntry& entry : *entries) {
        if (Status s = open_device(entry, info, boot, error); s != Status::ok) return s;
    }
    choosers_.resize(devices_.all.size());
    if (size() > 1) {
        if (Result<bool> fence = boot.fence(); !fence) {
            *error = fence.message();
            return fence.status();
        }
    }
    std::size_t processes = info.local.size();
    for (std::unique_ptr<Device>& device : devices_.all) {
        if (Status s = device->connect(self_, error); s != Status::ok) return s;
        processes += device->capabilities().helpers;
        parks_on_fd_ = parks_on_fd_ || device->capabilities().parks_on_fd;
        if (device->clock_ns() >= 0) timed_ = device.get();
    }
    find_network();
    oversubscribed_ = static_cast<int>(processes) > available_cpus();
    if (self_ == 0 && verbose()) say_devices();
    return Status::ok;
}

/// For people: which devices are open, in the order in which they are preferred, and why others are
/// not.
void Engine::say_devices() const {
    std::string line = "fathom: devices";
    for (const std::unique_ptr<Device>& device : devices_.all) {
        line += (device == devices_.all.front() ? " " : ", ") + std::string(device->name());
    }
    line += missing_ + '\n';
    (void)!::write(STDERR_FILENO, line.data(), line.size());
}

/// Opens one device, if it can run here.
Status Engine::open_device(const DeviceEntry& entry, OpenInfo& info, Bootstrap& boot,
                           std::string* error) {
    std::unique_ptr<Device> device = entry.make();
    if (hooks_.wrap) device = hooks_.wrap(std::move(device));
    if (const Result<bool> can = device->probe(info); !can) {
        missing_ += "; " + std::string(entry.name) + ": " + can.message();
        return Status::ok;
    }
    info.first = std::all_of(devices_.all.begin(), devices_.all.end(), [](const auto& before) {
        return before->name() == std::string_view("self");
    });
    info.card_of = [&boot, name = entry.name](Peer peer) {
        Result<std::string> text = boot.get(static_cast<int>(peer), card_key(name, peer));
        return text ? card_in(*text, peer) : text;
    };
    if (Status s = device->open(info, error); s != Status::ok) return s;
    if (const std::string card = device->address(); !card.empty()) {
        if (Result<bool> put = boot.put(card_key(entry.name, self_), published(card)); !put) {
            *error = put.message();
            return put.status();
        }
    }
    if (auto* self = dynamic_cast<dev::self::Self*>(device.get())) devices_.self = self;
    if (auto* shm = dynamic_cast<dev::shm::Shm*>(device.get())) devices_.shm = shm;
    if (device->capabilities().can_map) sharing_ = device.get();
    if (device.get() != devices_.self && device.get() != devices_.shm) {
        others_.push_back(device.get());
    }
    devices_.all.push_back(std::move(device));
    return Status::ok;
}

void Engine::share(void (*unlock)(), void (*lock)()) {
    hooks_.unlock = unlock;
    hooks_.lock = lock;
}

void Engine::rest() {
    // Where peers were lost, others may have ended without taking what is for them.
    const auto start = std::chrono::steady_clock::now();
    while (!busy_.empty()) {
        poll();
        if (any_lost_ && std::chrono::steady_clock::now() > start + std::chrono::seconds(2)) return;
    }
    const auto deadline = start + std::chrono::seconds(30);
    for (std::unique_ptr<Device>& device : devices_.all) {
        if (!device->capabilities().outlives && device->quiesce(deadline) != Status::ok) {
            fault(self_, Status::again, "messages were not taken within 30 s of finalizing");
        }
    }
}

bool Engine::leaves_together() const {
    return std::any_of(devices_.all.begin(), devices_.all.end(),
                       [](const auto& device) { return !device->capabilities().outlives; });
}

void Engine::stop() {
    rest();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (std::unique_ptr<Device>& device : devices_.all) {
        if (device->quiesce(deadline) != Status::ok) {
            fault(self_, Status::again, "messages were not fetched within 10 s of finalizing");
        }
        device->close();
    }
    devices_ = {};
    others_.clear();
    sharing_ = timed_ = network_ = nullptr;
}

bool Engine::connect(Route& route, Peer peer) {
    if (route.lost) return false;
    for (std::size_t i = 0; i < devices_.all.size(); ++i) {
        Device& device = *devices_.all[i];
        if (!device.reaches(peer)) continue;
        std::string error;
        if (Status s = device.connect(peer, &error); s != Status::ok) {
            fault(peer, s, error);
            return false;
        }
        route.device = static_cast<std::uint8_t>(i);
        route.short_limit = device.capabilities().short_bytes + 1;
        // What goes to this process by the network is told apart by isend().
        if (peer == self_ && network_ != nullptr) route.short_limit = 0;
        route.way = &device == devices_.self  ? Way::self
                    : &device == devices_.shm ? Way::shm
                                              : Way::other;
        return true;
    }
    std::string names;
    for (const std::unique_ptr<Device>& d : devices_.all) {
        names += (names.empty() ? "" : ", ") + std::string(d->name());
    }
    fault(peer, Status::peer_failed, "none of the devices " + names + " reaches it" + missing_);
    return false;
}

// --- sleeping ------------------------------------------------------------------------------------

Parks Engine::sleep_begin() {
    ++sleepers_;
    Parks parks;
    for (std::unique_ptr<Device>& device : devices_.all) {
        const Park park = device->prepare_park(parks_on_fd_);
        // Nothing can arrive at self, the first, while the process sleeps; but without any other
        // device there has to be something to sleep on.
        if (device == devices_.all.back() || device != devices_.all.front()) parks.add(park);
    }
    return parks;
}

void Engine::sleep_end() {
    // While another thread sleeps the announcement stands, or its message would wake nobody.
    if (--sleepers_ != 0) return;
    for (std::unique_ptr<Device>& device : devices_.all) device->cancel_park();
}

void Engine::wake() {
    for (std::unique_ptr<Device>& device : devices_.all) device->wake();
}

// --- memory --------------------------------------------------------------------------------------

void* Engine::allocate(std::uint64_t bytes, MemoryKey* key) {
    return sharing_->allocate(bytes, key);
}

void Engine::deallocate(void* memory, const MemoryKey& key) {
    sharing_->deallocate(memory, key);
}

bool Engine::mappable(Peer peer) const {
    return peer == self_ || sharing_->reaches(peer);
}

void* Engine::map(Peer peer, const MemoryKey& key) {
    return sharing_->map(peer, key);
}

void Engine::signal(Peer peer) {
    if (peer != self_) sharing_->signal(peer);
}

}  // namespace adi
