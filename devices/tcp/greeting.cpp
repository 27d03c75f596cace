#include "devices/tcp/greeting.hpp"

#include <sodium.h>

namespace dev::tcp {

namespace {

static_assert(kProofBytes == crypto_auth_hmacsha256_BYTES);

template <class... Parts>
Proof prove(std::string_view secret, std::string_view role, const Parts&... parts) {
    crypto_auth_hmacsha256_state state;
    const auto add = [&](const void* bytes, std::size_t n) {
        crypto_auth_hmacsha256_update(&state, static_cast<const unsigned char*>(bytes), n);
    };
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()),
                                secret.size());
    add(role.data(), role.size());
    (add(&parts, sizeof parts), ...);
    Proof proof;
    crypto_auth_hmacsha256_final(&state, proof.data());
    return proof;
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

bool same(const Proof& a, const Proof& b) {
    return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace dev::tcp
