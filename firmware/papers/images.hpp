// The programs, as the build embeds them.
#pragma once

#include "firmware/tools/firmware_image.hpp"

namespace firmware {
extern const Image kFm1Program, kFm2Program, kBipProgram;
}  // namespace firmware
