// Which parts of its host this process may run on.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

namespace adi {

/// The kinds of parts that are told apart, from coarse to fine, by hwloc's names.
inline constexpr std::array<const char*, 8> kHardwareTypes{
    "Package", "Die", "NUMANode", "L3Cache", "L2Cache", "L1Cache", "Core", "PU"};

/// For each of kHardwareTypes, the number of the part that this process is restricted to, or one of
/// the two below.
inline constexpr int kSeveralParts = -1;  ///< it may run on several
inline constexpr int kNoPart = -2;        ///< the host has none, as far as is known
using HardwarePlace = std::array<int, kHardwareTypes.size()>;

/// Of this process now. Loads hwloc at the first call, which takes some milliseconds; without hwloc
/// on the host the process is restricted to nothing.
HardwarePlace hardware_place();

/// One CPU, and for each of kHardwareTypes the number of the part that it is in, or kNoPart.
struct HardwareCpu {
    int number = 0;  ///< the system's
    HardwarePlace parts{};
};

/// The CPUs that this process may run on now, in the hardware's order; none without hwloc. With a
/// `description`, of the host that it describes in hwloc's synthetic form.
std::vector<HardwareCpu> hardware_cpus(const char* description = nullptr);

/// The index in kHardwareTypes of a name, whatever its case, with or without "hwloc://"; -1 for
/// others.
int find_hardware_type(std::string_view name);

}  // namespace adi
