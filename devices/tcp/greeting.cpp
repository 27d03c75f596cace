#include "devices/tcp/greeting.hpp"

#include <sodium.h>

#include "adi/base/hmac.hpp"

namespace dev::tcp {

namespace {

template <class... Parts>
Proof prove(std::string_view secret, std::string_view role, const Parts&... parts) {
    adi::Hmac hmac(secret);
    hmac.add(role);
    (hmac.add_value(parts), ...);
    return hmac.finish<kProofBytes>();
}

}  // namespace

Nonce make_nonce() {
    Nonce nonce;
    randombytes_buf(nonce.data(), nonce.size());
    return nonce;
}

Proof claim_proof(std::string_view secret, const Hello& hello, const Challenge& challenge,
                  std::uint64_t received) {
    return prove(secret, "fathom tcp claim ", hello, challenge, received);
}

Proof answer_proof(std::string_view secret, const Hello& hello, const Challenge& challenge,
                   const Answer& answer) {
    return prove(secret, "fathom tcp answer", hello, challenge, answer.verdict, answer.process,
                 answer.received);
}

}  // namespace dev::tcp
