// Boards for the fm device, and providers for ofi, in tests of one process.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "devices/fm/fm.hpp"
#include "devices/fm/loopback.hpp"
#include "firmware/emulator/attach_fixture.hpp"

namespace adi::testing {

/// Where the boards of one job come from. Any of its threads may open.
class Boards {
  public:
    virtual ~Boards() = default;
    virtual Result<std::unique_ptr<dev::fm::Board>> open(dev::fm::Node node,
                                                         dev::fm::Node nodes) = 0;
};

/// Boards without a network between them. They are made in the order of nodes, whoever comes first.
class LoopbackBoards final : public Boards {
  public:
    Result<std::unique_ptr<dev::fm::Board>> open(dev::fm::Node node, dev::fm::Node nodes) override {
        std::unique_lock lock(mutex_);
        turned_.wait(lock, [&] { return next_ == node; });
        std::unique_ptr<dev::fm::Board> board =
            fabric_.make_board(dev::fm::Endpoint::ring_slots_for(nodes));
        ++next_;
        turned_.notify_all();
        return board;
    }

  private:
    std::mutex mutex_;
    std::condition_variable turned_;
    dev::fm::LoopbackFabric fabric_;
    dev::fm::Node next_ = 0;
};

/// Those of an emulator that runs in a thread, on a network that spoils and loses packets.
class EmulatedBoards final : public Boards {
  public:
    EmulatedBoards() : emulator_(options()) {}
    Result<std::unique_ptr<dev::fm::Board>> open(dev::fm::Node node, dev::fm::Node nodes) override {
        return dev::fm::open_board({emulator_.name(), 1}, node, nodes);
    }

  private:
    static emulator::EmulatorOptions options() {
        emulator::EmulatorOptions options;
        options.boards = 3;
        options.faults = "drop=1e-3,corrupt=1e-3,duplicate=1e-3,reorder=1e-3,seed=5";
        return options;
    }
    emulator_test::RunningEmulator emulator_;
};

/// A device for each rank of one job.
inline std::unique_ptr<Device> fm_on(std::shared_ptr<Boards> boards) {
    return std::make_unique<dev::fm::Fm>(
        [boards](dev::fm::Node node, dev::fm::Node nodes) { return boards->open(node, nodes); });
}

/// For tests on one thread: rank 0's device makes the boards of a job, and those that are opened
/// after it share them.
template <class B>
std::unique_ptr<Device> fm_on_new() {
    static std::weak_ptr<Boards> current;
    return std::make_unique<dev::fm::Fm>(
        [mine = std::shared_ptr<Boards>()](dev::fm::Node node, dev::fm::Node nodes) mutable {
            mine = node == 0 ? std::make_shared<B>() : current.lock();
            current = mine;
            return mine->open(node, nodes);
        });
}

/// Names of tests and what they try: libfabric's providers that need no adapter.
inline constexpr std::array<std::pair<const char*, const char*>, 5> kOfiProviders{{
    {"ofi_tcp_rxm", "tcp;ofi_rxm"},
    {"ofi_udp_rxd", "udp;ofi_rxd"},
    {"ofi_sockets", "sockets"},
    {"ofi_shm", "shm"},
    {"ofi_net", "net"},
}};
/// The leak sanitizer finds what libfabric 1.17 itself loses with each endpoint of this provider.
inline bool leaks(std::string_view provider) {
#ifdef __SANITIZE_ADDRESS__
    return provider == "net";
#else
    (void)provider;
    return false;
#endif
}
/// Tests that take long are wanted, too.
inline bool full() {
    return std::getenv("FATHOM_TEST_LONG") != nullptr;
}
/// Makes the device for one of them. It asks the environment when it is probed.
inline std::function<std::unique_ptr<Device>()> ofi_with(std::unique_ptr<Device> (*make)(),
                                                         const char* provider) {
    return [=] {
        ::setenv("FATHOM_OFI_PROVIDER", provider, 1);
        return make();
    };
}

}  // namespace adi::testing
