// What a device learns at any time and may tell the engine only in poll().
#pragma once

#include <deque>
#include <string>
#include <utility>

#include "adi/device.hpp"

namespace dev {

class Reports {
  public:
    void add_put(void* token, adi::Status status) { puts_.push_back({token, status}); }
    void add_fault(adi::Peer peer, adi::Status why, std::string what) {
        faults_.push_back({peer, why, std::move(what)});
    }
    /// Shows all; how many there were. A lost peer comes before the puts that fail by it.
    int show(adi::Sink& sink) {
        int done = 0;
        for (; !faults_.empty(); ++done) {
            const Fault fault = std::move(faults_.front());
            faults_.pop_front();
            sink.on_fault(fault.peer, fault.why, fault.what.c_str());
        }
        for (; !puts_.empty(); ++done) {
            const Put put = puts_.front();
            puts_.pop_front();
            sink.on_put(put.token, put.status);
        }
        return done;
    }

  private:
    struct Put {
        void* token;
        adi::Status status;
    };
    struct Fault {
        adi::Peer peer;
        adi::Status why;
        std::string what;
    };
    std::deque<Put> puts_;
    std::deque<Fault> faults_;
};

}  // namespace dev
