// The bootstrap: who a process is in its job, and a small table of keys and values that the ranks
// fill together before any device is open.
//
// A process is started in one of three ways. Under a launcher that speaks PMI-1 (our mpirun, hydra,
// Slurm with --mpi=pmi2, Flux) the environment names a connection to it. Under one that speaks PMIx
// (Open MPI's mpirun, PRRTE, Slurm with --mpi=pmix) libpmix finds the launcher. Otherwise the
// process is a singleton: rank 0 of 1. What comes back from a launcher is checked like any other
// foreign byte. README.md tells which launcher does what.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adi/base/status.hpp"

namespace adi {

/// One process's end of the bootstrap. Not thread safe: the caller keeps calls apart. All calls but
/// rank() and size() talk to the launcher and may block until it answers; a launcher that is gone
/// shows as Status::peer_failed, an answer that makes no sense as Status::corrupt, and after either
/// every later call fails the same way. Keys are up to 64 and values up to 1024 bytes of printable
/// ASCII without spaces (less where the launcher announces less); anything else is
/// Status::bad_argument and changes nothing.
class Bootstrap {
  public:
    Bootstrap() = default;
    Bootstrap(const Bootstrap&) = delete;
    Bootstrap& operator=(const Bootstrap&) = delete;
    /// Does not finalize: a process that goes without finalize() has failed in the launcher's eyes.
    virtual ~Bootstrap() = default;

    /// 0 <= rank() < size(), both fixed for life.
    virtual int rank() const = 0;
    virtual int size() const = 0;

    /// Which of the `:`-separated programs this process belongs to, counted from 0.
    virtual Result<int> appnum() = 0;

    /// How many processes the launcher could run in all; 0 when it does not say.
    virtual Result<int> universe_size() = 0;

    /// The ranks on this host as the launcher knows them, ascending, this one among them; empty
    /// when it does not say.
    virtual std::vector<int> local_ranks() = 0;

    /// The secret that the launcher keeps for this job's ranks (Fathom's mpirun alone does); empty
    /// when it keeps none.
    virtual std::string launcher_secret() = 0;

    /// Offers `value` under `key` to all ranks, from the next fence on. A key is written by one
    /// rank and once, and is unique in the job; the effect of a second put is the launcher's
    /// choice.
    virtual Result<bool> put(std::string_view key, std::string_view value) = 0;

    /// The value that `rank` put before the last fence. A key that is not there is an error
    /// (Status::bad_argument).
    virtual Result<std::string> get(int rank, std::string_view key) = 0;

    /// A barrier of all ranks, after which every put made before it is visible. One round trip.
    virtual Result<bool> fence() = 0;

    /// Tells the launcher to end the whole job with `exitcode` (0 counts as 1) and prints
    /// `message`, when there is one, as a line on standard error. Returns: the caller then ends its
    /// process, and should not count on much time to do so. Safe to call after any failure.
    virtual void abort(int exitcode, std::string_view message) noexcept = 0;

    /// Tells the launcher that this process has lost the way to `rank`, and `why` in half a
    /// sentence. True: Fathom's mpirun hears of it, says so, and unless the job was to go on
    /// without ranks that are lost, ends it with that as the cause. False: nobody was told. Safe to
    /// call after any failure.
    virtual bool report_lost(int /*rank*/, std::string_view /*why*/) noexcept { return false; }

    /// Has `rank`, when it next waits, connect to this process (Fathom's mpirun alone passes that
    /// on, by the board). Safe to call after any failure.
    virtual void invite(int /*rank*/) noexcept {}

    /// Takes leave of the launcher, after which this process may end in silence. Nothing but the
    /// destructor and abort() may follow.
    virtual Result<bool> finalize() = 0;
};

/// The key, reserved by Fathom's mpirun, of a secret that only this job's ranks can get.
inline constexpr const char* kLauncherSecretKey = "FATHOM_secret";
/// Hexadecimal digits of a secret.
inline constexpr std::size_t kSecretDigits = 64;
/// A new secret for a job: as random as the system can.
Result<std::string> make_secret();

/// Reads the environment and connects. Under PMI-1 (PMI_FD, or PMI_PORT with PMI_ID) or PMIx
/// (PMIX_NAMESPACE and PMIX_RANK) the client of that launcher; else a singleton. Where both are
/// there, PMI-1 is the inner one: Fathom's mpirun may be started by another launcher. When the
/// environment shows a launcher that Fathom cannot speak to and that started several processes, one
/// line on standard error says so, as each of them would be rank 0 of 1. On failure null, and
/// `error` holds one sentence.
std::unique_ptr<Bootstrap> make_bootstrap(std::string* error);

/// The sentence for the foreign launcher in this process's environment, or empty when there is
/// none. `lookup` is getenv or a stand-in for it; `no_pmix` says why PMIx cannot be spoken.
std::string foreign_launcher_warning(const char* (*lookup)(const char* name),
                                     const std::string& no_pmix);

}  // namespace adi
