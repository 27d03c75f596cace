#include "adi/boot/boot.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "adi/base/hex.hpp"
#include "adi/base/number.hpp"
#include "adi/boot/client.hpp"
#include "adi/boot/pmi1_client.hpp"
#include "adi/boot/pmix_client.hpp"

namespace adi {

namespace {

// Rank 0 of 1. Puts stay in the process.
class Singleton final : public Bootstrap {
  public:
    int rank() const override { return 0; }
    int size() const override { return 1; }
    Result<int> appnum() override { return 0; }
    Result<int> universe_size() override { return 1; }

    std::vector<int> local_ranks() override { return {0}; }
    std::string launcher_secret() override { return {}; }

    Result<bool> put(std::string_view key, std::string_view value) override {
        if (!pmi1::is_key(key, pmi1::kMaxKeyBytes) ||
            !pmi1::is_value(value, pmi1::kMaxValueBytes)) {
            return {Status::bad_argument, "a bootstrap key or value is malformed or too long"};
        }
        values_.insert_or_assign(std::string(key), std::string(value));
        return true;
    }

    Result<std::string> get(int, std::string_view key) override {
        const auto at = values_.find(key);
        if (at != values_.end()) return at->second;
        return {Status::bad_argument, "no rank has put bootstrap key " + std::string(key)};
    }

    Result<bool> fence() override { return true; }

    void abort(int, std::string_view message) noexcept override { boot::say_last(message); }

    Result<bool> finalize() override { return true; }

  private:
    std::map<std::string, std::string, std::less<>> values_;
};

// How another launcher's processes can be told. `size` counts the processes of the job; a launcher
// that does not say it (empty name) is believed to have started several. The remedy for a launcher
// that Fathom speaks to is what makes it offer that.
struct ForeignLauncher {
    const char* rank;
    const char* size;
    const char* name;
    const char* remedy;
};

constexpr const char* kUseOurs = "start the program with Fathom's mpirun";
constexpr const char* kWithoutPmix =
    "install what is missing, or use a launcher that speaks PMI-1: Fathom's mpirun, or srun "
    "--mpi=pmi2";
constexpr const char* kUsePmi = "use srun --mpi=pmi2 or --mpi=pmix";

constexpr ForeignLauncher kForeignLaunchers[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "Open MPI's mpirun", kUseOurs},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "Slurm's srun", kUsePmi},
    {"SLURM_PROCID", "SLURM_NTASKS", "Slurm's srun", kUsePmi},
    {"FLUX_TASK_RANK", "FLUX_JOB_SIZE", "Flux", "let Flux offer PMI (-o pmi=simple)"},
    {"PMIX_RANK", "", "a PMIx launcher", kUseOurs},
    {"PALS_RANKID", "", "PALS", kUseOurs},
    {"ALPS_APP_PE", "", "ALPS", kUseOurs},
    {"JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE", "JSM's jsrun", kUseOurs},
};

// A batch script's own environment looks like a task's in some systems: in an sbatch script Slurm
// sets SLURM_PROCID=0 without a step's launcher. SLURM_STEP_ID tells a true task from it.
bool is_batch_script(const ForeignLauncher& foreign, const char* (*lookup)(const char*)) {
    return std::string_view(foreign.rank) == "SLURM_PROCID" && lookup("SLURM_STEP_ID") == nullptr;
}

std::unique_ptr<Bootstrap> make_from_fd(const char* fd_text, std::string* error) {
    const auto fd = parse_number_within<int>(fd_text, 0, 1 << 24);
    const char* rank_text = std::getenv("PMI_RANK");
    const char* size_text = std::getenv("PMI_SIZE");
    if (!fd || rank_text == nullptr || size_text == nullptr) {
        *error =
            "the launcher's environment is damaged: PMI_FD, PMI_RANK and PMI_SIZE must all be "
            "there and be numbers";
        return nullptr;
    }
    const auto size = parse_number_within<int>(size_text, 1, boot::kMaxRanks);
    const auto rank = size ? parse_number_within<int>(rank_text, 0, *size - 1) : std::nullopt;
    if (!rank) {
        *error =
            "the launcher's environment is damaged: PMI_RANK must be a number from 0 to "
            "PMI_SIZE - 1";
        return nullptr;
    }
    return pmi1::Client::open(*fd, *rank, *size, error);
}

const char* lookup_environment(const char* name) {
    return std::getenv(name);
}

}  // namespace

Result<std::string> make_secret() {
    std::array<std::uint8_t, kSecretDigits / 2> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return {Status::internal, "the system gives no random numbers"};
    }
    return to_hex(bytes);
}

std::string foreign_launcher_warning(const char* (*lookup)(const char* name),
                                     const std::string& no_pmix) {
    const bool pmix = lookup("PMIX_NAMESPACE") != nullptr && !no_pmix.empty();
    for (const ForeignLauncher& foreign : kForeignLaunchers) {
        if (lookup(foreign.rank) == nullptr || is_batch_script(foreign, lookup)) continue;
        std::string count = "several";
        if (*foreign.size != '\0') {
            const char* size = lookup(foreign.size);
            const auto number =
                parse_number_within<int>(size == nullptr ? "" : size, 1, boot::kMaxRanks);
            if (!number) continue;
            if (*number == 1) return {};
            count = std::to_string(*number);
        }
        return std::string("this program was started by ") + foreign.name + " as one of " + count +
               " processes, but " +
               (pmix ? "Fathom cannot speak PMIx, the launcher's protocol: " + no_pmix
                     : "the launcher offers no protocol that Fathom speaks") +
               "; so each of them runs alone as rank 0 of 1; " +
               (pmix ? kWithoutPmix : foreign.remedy);
    }
    return {};
}

std::unique_ptr<Bootstrap> make_bootstrap(std::string* error) {
    if (const char* fd_text = std::getenv("PMI_FD")) return make_from_fd(fd_text, error);
    const char* port = std::getenv("PMI_PORT");
    const char* id = std::getenv("PMI_ID");
    if (port != nullptr && id != nullptr) return pmi1::Client::connect(port, id, error);
    std::string no_pmix;
    if (std::getenv("PMIX_NAMESPACE") != nullptr && std::getenv("PMIX_RANK") != nullptr &&
        pmix::available(&no_pmix)) {
        return pmix::connect(error);
    }
    if (const std::string warning = foreign_launcher_warning(lookup_environment, no_pmix);
        !warning.empty()) {
        char host[256] = "?";
        (void)::gethostname(host, sizeof host - 1);
        std::fprintf(stderr, "fathom: warning: host %s, pid %ld: %s\n", host,
                     static_cast<long>(::getpid()), warning.c_str());
    }
    return std::make_unique<Singleton>();
}

}  // namespace adi
