// Which parts of its host this process may run on.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

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

/// The index in kHardwareTypes of a name, whatever its case, with or without "hwloc://"; -1 for
/// others.
int find_hardware_type(std::string_view name);

}  // namespace adi
