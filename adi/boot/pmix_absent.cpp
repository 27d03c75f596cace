// What stands in for pmix_client.cpp in a build without PMIx's headers.
#include "adi/boot/pmix_client.hpp"

namespace adi::pmix {

bool available(std::string* why) {
    *why = "this build of Fathom was made without PMIx's headers (Debian's package libpmix-dev)";
    return false;
}

std::unique_ptr<Bootstrap> connect(std::string* error) {
    (void)available(error);
    return nullptr;
}

}  // namespace adi::pmix
