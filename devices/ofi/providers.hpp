// Which of libfabric's providers carries the job's messages, and why not another one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adi/base/status.hpp"
#include "devices/ofi/library.hpp"

namespace dev::ofi {

/// One provider on one interface: what is to be known for the choice.
struct Candidate {
    std::string provider;  ///< "tcp;ofi_rxm"
    std::string domain;    ///< "eth0", "mlx5_0"
    std::string fabric;    ///< "10.0.0.0/8"
    bool loopback = false;
    bool link_local = false;
    std::string unfit;  ///< what it lacks, if it does
};

struct Wish {
    std::string only;           ///< FATHOM_OFI_PROVIDER; empty: any
    bool several_hosts = true;  ///< the job has
    bool explain = false;       ///< the table names what libfabric itself leaves out, too
    bool fast_only = false;     ///< nobody asked for this device: sockets are left to tcp
    bool tagged = false;        ///< the provider is to match, if it can
};

/// Of a network that is no sockets and no shared memory.
bool is_fast(std::string_view provider);
/// Is its own matching wrong? That of `shm` is in libfabric 1.17 and 1.18: what a message that
/// waits is compared by is left over from another one. With that of ofi_rxd the tests came to no
/// end.
bool mismatches(std::string_view provider, unsigned version);
/// Does a person's word mean it? "tcp" means "tcp;ofi_rxm" too, "tcp;ofi_rxm" itself alone.
bool names(std::string_view word, std::string_view provider);

/// Which one is used; verdicts[i] gets why candidate i is or is not. -1: none.
int choose(const std::vector<Candidate>& candidates, const Wish& wish,
           std::vector<std::string>* verdicts);

struct Choice {
    Info info;              ///< what to open
    bool puts = false;      ///< it has all that puts need
    unsigned tag_bits = 0;  ///< it matches by tags of so many bits; 0: it does not, or shall not
    std::string table;      ///< the candidates and the verdicts, a line each
};
/// Asks libfabric. The error tells the verdicts in one line.
adi::Result<Choice> choose_provider(const Library& library, const Wish& wish);

/// Has this host a network adapter that is worth asking libfabric?
bool has_fast_hardware();

}  // namespace dev::ofi
