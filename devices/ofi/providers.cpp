#include "devices/ofi/providers.hpp"

#include <netinet/in.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>
#include <set>

namespace dev::ofi {

using adi::Status;

namespace {

constexpr std::uint64_t kModes = FI_CONTEXT | FI_CONTEXT2;
constexpr int kMemoryModes =
    FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT;

/// The part before a utility layer: "verbs" of "verbs;ofi_rxm".
std::string_view core_of(std::string_view provider) {
    return provider.substr(0, provider.find(';'));
}

Info make_hints(const Library& library, const Wish& wish, bool puts, bool tagged) {
    Info hints(library.dupinfo(nullptr), FreeInfo{&library});
    if (hints == nullptr) return hints;
    hints->caps = FI_MSG;
    if (wish.several_hosts) hints->caps |= FI_REMOTE_COMM;
    if (puts) hints->caps |= FI_RMA;
    if (tagged) {
        hints->caps |= FI_TAGGED;
        hints->tx_attr->msg_order = hints->rx_attr->msg_order = FI_ORDER_SAS;
    }
    hints->mode = kModes;
    hints->ep_attr->type = FI_EP_RDM;
    hints->domain_attr->mr_mode = kMemoryModes;
    hints->domain_attr->threading = FI_THREAD_DOMAIN;
    hints->domain_attr->resource_mgmt = FI_RM_ENABLED;
    return hints;
}

Candidate describe(const fi_info& info) {
    Candidate c;
    c.provider = info.fabric_attr->prov_name;
    c.domain = info.domain_attr->name != nullptr ? info.domain_attr->name : "";
    c.fabric = info.fabric_attr->name != nullptr ? info.fabric_attr->name : "";
    if (info.addr_format == FI_SOCKADDR_IN && info.src_addrlen >= sizeof(sockaddr_in)) {
        const auto* address = static_cast<const sockaddr_in*>(info.src_addr);
        const std::uint32_t host = ntohl(address->sin_addr.s_addr);
        c.loopback = host >> 24 == 127;
        c.link_local = host >> 16 == 0xa9fe;
    } else if (info.addr_format == FI_SOCKADDR_IN6 && info.src_addrlen >= sizeof(sockaddr_in6)) {
        const auto* address = static_cast<const sockaddr_in6*>(info.src_addr);
        c.loopback = IN6_IS_ADDR_LOOPBACK(&address->sin6_addr);
        c.link_local = IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr);
    }
    return c;
}

/// What libfabric has for the hints; `error` gets its answer.
Info ask(const Library& library, const Info& hints, int* error) {
    fi_info* list = nullptr;
    *error = library.getinfo(hints.get(), &list);
    return Info(list, FreeInfo{&library});
}

bool same(const char* one, const char* other) {
    return one == other ||
           (one != nullptr && other != nullptr && std::string_view(one) == std::string_view(other));
}

/// The same network with its own matching, in place of what was chosen, if it has that.
void add_matching(const Library& library, const Wish& wish, Choice* choice) {
    const fi_info& chosen = *choice->info;
    const std::string_view provider = chosen.fabric_attr->prov_name;
    if (!wish.tagged || mismatches(provider, FI_MAJOR(chosen.fabric_attr->prov_version))) return;
    const Info hints = make_hints(library, wish, choice->puts, true);
    if (hints == nullptr) return;
    int error = 0;
    const Info all = ask(library, hints, &error);
    for (const fi_info* i = all.get(); i != nullptr; i = i->next) {
        const auto digits = static_cast<unsigned>(std::bit_width(i->ep_attr->mem_tag_format));
        if (!same(i->fabric_attr->prov_name, chosen.fabric_attr->prov_name) ||
            !same(i->domain_attr->name, chosen.domain_attr->name) ||
            !same(i->fabric_attr->name, chosen.fabric_attr->name) || digits == 0) {
            continue;
        }
        if (Info copy(library.dupinfo(i), FreeInfo{&library}); copy != nullptr) {
            choice->info = std::move(copy);
            choice->tag_bits = digits;
        }
        return;
    }
}

/// Why libfabric left a provider out when it was asked for what this device needs.
std::string unfit(const fi_info& info, const Wish& wish) {
    if (info.ep_attr->type != FI_EP_RDM) return "it has no reliable datagrams of its own";
    if ((info.caps & FI_MSG) == 0) return "it carries no messages";
    if (wish.several_hosts && (info.caps & FI_REMOTE_COMM) == 0) {
        return "it does not leave the host";
    }
    if ((info.mode & ~kModes) != 0) return "it wants more of its user than this device does";
    if ((info.domain_attr->mr_mode & ~kMemoryModes & ~(FI_MR_BASIC | FI_MR_SCALABLE)) != 0) {
        return "it wants memory registered in a way that this device does not know";
    }
    return "libfabric found it unfit";
}

/// Providers that libfabric knows here and that are not among `fit`.
void add_unfit(const Library& library, const Wish& wish, std::vector<Candidate>* candidates) {
    std::set<std::string> seen;
    for (const Candidate& c : *candidates) seen.insert(c.provider);
    int error = 0;
    const Info all = ask(library, Info(), &error);
    for (const fi_info* i = all.get(); i != nullptr; i = i->next) {
        Candidate c = describe(*i);
        if (!seen.insert(c.provider).second) continue;
        c.unfit = unfit(*i, wish);
        candidates->push_back(std::move(c));
    }
}

std::string table_of(const std::vector<Candidate>& candidates,
                     const std::vector<std::string>& verdicts) {
    std::string table;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const Candidate& c = candidates[i];
        std::string line = "  " + c.provider;
        line.resize(std::max(line.size() + 1, std::size_t{18}), ' ');
        line += c.domain + (c.fabric.empty() || c.fabric == c.domain ? "" : " " + c.fabric);
        line.resize(std::max(line.size() + 1, std::size_t{44}), ' ');
        table += line + verdicts[i] + '\n';
    }
    return table;
}

/// Each reason once, with the providers that it is the reason of.
std::string reasons_of(const std::vector<Candidate>& candidates,
                       const std::vector<std::string>& verdicts) {
    std::string text;
    std::set<std::string> told;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const std::string reason = candidates[i].provider + ": " + verdicts[i];
        if (told.insert(reason).second) text += (text.empty() ? "" : ", ") + reason;
    }
    return text;
}

}  // namespace

bool is_fast(std::string_view provider) {
    constexpr std::array<std::string_view, 7> kOrdinary{"tcp", "udp",     "sockets", "net",
                                                        "shm", "ofi_rxm", "ofi_rxd"};
    return std::find(kOrdinary.begin(), kOrdinary.end(), core_of(provider)) == kOrdinary.end();
}

bool mismatches(std::string_view provider, unsigned version) {
    return (core_of(provider) == "shm" && (version == 117 || version == 118)) ||
           provider.find("ofi_rxd") != std::string_view::npos;
}

bool names(std::string_view word, std::string_view provider) {
    return word == provider || word == core_of(provider);
}

int choose(const std::vector<Candidate>& candidates, const Wish& wish,
           std::vector<std::string>* verdicts) {
    int best = -1;
    bool fast = false;
    verdicts->assign(candidates.size(), "");
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const Candidate& c = candidates[i];
        std::string& verdict = (*verdicts)[i];
        if (!wish.only.empty() && !names(wish.only, c.provider)) {
            verdict = "FATHOM_OFI_PROVIDER names " + wish.only;
        } else if (!c.unfit.empty()) {
            verdict = c.unfit;
        } else if (wish.several_hosts && c.loopback) {
            verdict = "a loopback does not leave the host";
        } else if (c.link_local) {
            verdict = "its address holds for one link only";
        } else if (wish.fast_only && !is_fast(c.provider)) {
            verdict = "no faster than the device tcp";
        } else if (best < 0 || (is_fast(c.provider) && !fast)) {
            if (best >= 0) (*verdicts)[static_cast<std::size_t>(best)] = "a faster one is there";
            verdict = "used";
            best = static_cast<int>(i);
            fast = is_fast(c.provider);
        } else {
            verdict = "libfabric prefers another one";
        }
    }
    return best;
}

adi::Result<Choice> choose_provider(const Library& library, const Wish& wish) {
    Choice choice;
    std::vector<Candidate> candidates;
    std::vector<std::string> verdicts;
    for (const bool puts : {true, false}) {
        const Info hints = make_hints(library, wish, puts, false);
        if (hints == nullptr) return {Status::no_memory, "no memory for libfabric"};
        int answer = 0;
        const Info all = ask(library, hints, &answer);
        if (answer != 0 && answer != -FI_ENODATA) {
            return {Status::internal, "libfabric's fi_getinfo fails: " + library.error(answer)};
        }
        candidates.clear();
        std::vector<const fi_info*> infos;
        for (const fi_info* i = all.get(); i != nullptr; i = i->next) {
            Candidate c = describe(*i);
            // libfabric lists some twice.
            const auto known = [&](const Candidate& other) {
                return other.provider == c.provider && other.domain == c.domain &&
                       other.fabric == c.fabric;
            };
            if (std::any_of(candidates.begin(), candidates.end(), known)) continue;
            candidates.push_back(std::move(c));
            infos.push_back(i);
        }
        const int best = choose(candidates, wish, &verdicts);
        if (best < 0) continue;
        const fi_info& chosen = *infos[static_cast<std::size_t>(best)];
        choice.info = Info(library.dupinfo(&chosen), FreeInfo{&library});
        if (choice.info == nullptr) return {Status::no_memory, "no memory for libfabric"};
        // A put's arrival is told by 4 bytes with it.
        choice.puts = puts && chosen.domain_attr->cq_data_size >= 4 &&
                      (chosen.domain_attr->mr_mode & FI_MR_RAW) == 0;
        add_matching(library, wish, &choice);
        break;
    }
    if (wish.explain || choice.info == nullptr) {
        add_unfit(library, wish, &candidates);
        choose(candidates, wish, &verdicts);
    }
    choice.table = table_of(candidates, verdicts);
    if (choice.info == nullptr) {
        return {Status::unsupported,
                candidates.empty() ? "libfabric " + library.version() + " has no provider here"
                                   : "no provider of libfabric " + library.version() +
                                         " is used (" + reasons_of(candidates, verdicts) + ")"};
    }
    return choice;
}

bool has_fast_hardware() {
    // What the kernel's drivers of such adapters make; the last two are Intel's and Cray's own.
    for (const char* place : {"/sys/class/infiniband", "/sys/class/cxi", "/sys/class/hfi1"}) {
        std::error_code error;
        const std::filesystem::directory_iterator adapters(place, error);
        if (!error && adapters != std::filesystem::directory_iterator()) return true;
    }
    return false;
}

}  // namespace dev::ofi
