// The bootstrap over PMIx. libpmix is loaded when the environment names a PMIx launcher, not
// linked: a machine without it runs everything else. It is the launcher's side of the bargain, too:
// only a library of its own family knows how to find and to speak to its server.
//
// A build without PMIx's headers has pmix_absent.cpp instead of pmix_client.cpp.
#pragma once

#include <memory>
#include <string>

#include "adi/boot/boot.hpp"

namespace adi::pmix {

/// Whether PMIx can be spoken here: the build has it, and libpmix.so.2 is found and has what is
/// used of it. If not, `why` is half a sentence that names what to install.
bool available(std::string* why);

/// The client of the PMIx server that this process's environment names. Null on failure, `error`
/// then saying why. Only when available(). libpmix has a thread of its own from here to finalize();
/// it runs nothing of Fathom's.
std::unique_ptr<Bootstrap> connect(std::string* error);

}  // namespace adi::pmix
