// How two processes of one job prove to each other that they are: both know the job's secret, and
// neither shows it. Who connects proves first, so a stranger learns nothing from a listener.
#pragma once

#include <string>
#include <string_view>

#include "devices/tcp/format.hpp"

namespace dev::tcp {

/// Random, and never used twice.
Nonce make_nonce();

/// HMAC-SHA-256 with the secret over the role, all that both have said, and what is claimed.
Proof claim_proof(std::string_view secret, const Hello& hello, const Challenge& challenge,
                  std::uint64_t received);
Proof answer_proof(std::string_view secret, const Hello& hello, const Challenge& challenge,
                   const Answer& answer);

}  // namespace dev::tcp
