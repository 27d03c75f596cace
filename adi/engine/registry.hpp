// The list of devices that this build has. devices/meson.build holds the words, the build makes the
// table; each folder devices/X defines dev::X::make().
#pragma once

#include <memory>
#include <span>

#include "adi/device.hpp"

namespace adi {

struct DeviceEntry {
    const char* name;
    std::unique_ptr<Device> (*make)();
};

/// In order of preference: of several that reach a peer the first one carries its messages.
std::span<const DeviceEntry> device_registry();

}  // namespace adi
