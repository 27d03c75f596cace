// The emulator: boards that run the control program, the Myrinet between them, and the driver that
// processes attach to. What `fm-fabric` runs, and tests in a thread.
//
// One thread does all the work, in the order of Simulation. It polls while there is something to do
// and for a moment longer, then sleeps on the fabric page's futex: who stores into a board's SRAM
// looks there. In modelled time it goes up to the least clock of the processes that run (Lockstep).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adi/base/status.hpp"
#include "firmware/emulator/attach_server.hpp"
#include "firmware/emulator/doorbell.hpp"
#include "firmware/emulator/driver.hpp"
#include "firmware/emulator/lockstep.hpp"
#include "firmware/emulator/machine.hpp"
#include "firmware/emulator/network.hpp"
#include "firmware/emulator/simulation.hpp"
#include "firmware/emulator/trace.hpp"

namespace emulator {

struct EmulatorOptions {
    std::string listen;                ///< name of the abstract socket that processes attach to
    std::string fabric;                ///< file with the topology; empty: the default one
    std::uint32_t boards = 16;         ///< of the default topology
    const Machine* machine = nullptr;  ///< modelled time; null: fast
    std::string faults;                ///< text of faults.hpp
    std::string trace;                 ///< file to write; empty: none
    std::string secret;                ///< of remote links
    int lifeline = -1;                 ///< descriptor; the emulator ends when it closes
    bool profile = false;              ///< counts instructions by function, for report()
    FirmwareSettings firmware;
    std::function<void()> ready;  ///< processes can attach, routes are known; from run()
};

class Emulator {
  public:
    static adi::Result<std::unique_ptr<Emulator>> make(EmulatorOptions options,
                                                       const firmware::Image& image);
    ~Emulator();
    Emulator(const Emulator&) = delete;
    Emulator& operator=(const Emulator&) = delete;

    /// Works until stop() or the end of the lifeline. False: a board's processor has stopped for
    /// good (why(), and stderr).
    bool run();
    /// Any thread; a signal handler too.
    void stop();

    /// After run(), or before: what boards, network and processor have counted, as JSON.
    std::string report() const;
    const std::string& why() const { return why_; }

    Network& network() { return *network_; }
    Driver& driver(std::size_t index) { return *drivers_[index]; }
    std::size_t boards() const { return drivers_.size(); }

  private:
    explicit Emulator(EmulatorOptions options);
    adi::Result<bool> start(const firmware::Image& image);
    bool turn();
    bool turn_timed();
    void sleep();
    void look_after_descriptors();
    void kick();
    void look_for_ready();
    bool look_for_faults();

    EmulatorOptions options_;
    const Machine& machine_;
    const firmware::Image* image_ = nullptr;
    SharedMemory fabric_;
    std::atomic<bool> stopping_ = false;
    Simulation simulation_;
    Lockstep lockstep_;
    std::unique_ptr<Trace> trace_;
    std::vector<std::unique_ptr<BoardWatcher>> watchers_;
    std::vector<std::unique_ptr<Driver>> drivers_;
    std::vector<std::unique_ptr<Processor>> processors_;
    std::unique_ptr<Network> network_;
    std::unique_ptr<Doorbell> doorbell_;
    std::unique_ptr<AttachServer> server_;
    bool ready_ = false;
    unsigned slices_ = 0;  // modelled time: since a process ran
    std::chrono::steady_clock::time_point next_slice_{};
    std::string why_;
};

}  // namespace emulator
