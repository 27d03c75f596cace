#include "adi/boot/pmix_client.hpp"

#include <dlfcn.h>
#include <pmix.h>

#include <cstdlib>
#include <cstring>
#include <optional>

#include "adi/base/number.hpp"
#include "adi/boot/client.hpp"
#include "adi/boot/pmi1_wire.hpp"

namespace adi::pmix {
namespace {

/// The functions of libpmix that are used.
struct Library {
    decltype(&PMIx_Init) init = nullptr;
    decltype(&PMIx_Finalize) finalize = nullptr;
    decltype(&PMIx_Abort) abort = nullptr;
    decltype(&PMIx_Put) put = nullptr;
    decltype(&PMIx_Commit) commit = nullptr;
    decltype(&PMIx_Fence) fence = nullptr;
    decltype(&PMIx_Get) get = nullptr;
    decltype(&PMIx_Error_string) error_string = nullptr;
    std::string missing;  // empty when all is there

    static const Library& instance() {
        static const Library library;
        return library;
    }

  private:
    Library() {
        void* handle = ::dlopen("libpmix.so.2", RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) {
            missing = "libpmix.so.2 cannot be loaded (Debian's package libpmix2 has it)";
            if (const char* why = ::dlerror()) missing += std::string(": ") + why;
            return;
        }
        find(handle, "PMIx_Init", init);
        find(handle, "PMIx_Finalize", finalize);
        find(handle, "PMIx_Abort", abort);
        find(handle, "PMIx_Put", put);
        find(handle, "PMIx_Commit", commit);
        find(handle, "PMIx_Fence", fence);
        find(handle, "PMIx_Get", get);
        find(handle, "PMIx_Error_string", error_string);
    }

    template <class F>
    void find(void* handle, const char* name, F& function) {
        function = reinterpret_cast<F>(::dlsym(handle, name));
        if (function == nullptr) missing = std::string("libpmix.so.2 has no ") + name;
    }
};

struct ValueDeleter {
    void operator()(pmix_value_t* value) const {
        if (value->type == PMIX_STRING) std::free(value->data.string);
        std::free(value);
    }
};
using Value = std::unique_ptr<pmix_value_t, ValueDeleter>;

std::optional<int> number_of(const pmix_value_t& value) {
    std::uint64_t number = 0;
    switch (value.type) {
        case PMIX_UINT32: number = value.data.uint32; break;
        case PMIX_UINT64: number = value.data.uint64; break;
        case PMIX_INT: number = static_cast<std::uint64_t>(value.data.integer); break;
        case PMIX_INT32: number = static_cast<std::uint64_t>(value.data.int32); break;
        case PMIX_SIZE: number = value.data.size; break;
        default: return std::nullopt;
    }
    if (number > boot::kMaxRanks) return std::nullopt;
    return static_cast<int>(number);
}

/// An attribute that is true.
pmix_info_t flag(const char* name) {
    pmix_info_t info = {};
    std::strncpy(info.key, name, PMIX_MAX_KEYLEN);
    info.value.type = PMIX_BOOL;
    info.value.data.flag = true;
    return info;
}

class Client final : public Bootstrap {
  public:
    /// Takes the place in the job that the launcher gave this process.
    Result<bool> join();

    int rank() const override { return rank_; }
    int size() const override { return size_; }
    Result<int> appnum() override { return number(self_, PMIX_APPNUM); }
    Result<int> universe_size() override { return number(job_, PMIX_UNIV_SIZE); }
    std::vector<int> local_ranks() override;
    std::string launcher_secret() override { return {}; }
    Result<bool> put(std::string_view key, std::string_view value) override;
    Result<std::string> get(int rank, std::string_view key) override;
    Result<bool> fence() override;
    void abort(int exitcode, std::string_view message) noexcept override;
    Result<bool> finalize() override;

  private:
    // What the launcher told about the job or a process at start; null when it did not. Asks
    // nobody.
    Value attribute(const pmix_proc_t& about, const char* key) const;
    // A number of that kind, 0 when it is not told.
    Result<int> number(const pmix_proc_t& about, const char* key);
    // Remembers the first failure of the connection, with which every later call is answered.
    Result<bool> fail(const char* what, pmix_status_t status);

    const Library& pmix_ = Library::instance();
    pmix_proc_t self_ = {};
    pmix_proc_t job_ = {};  // all ranks
    int rank_ = 0;
    int size_ = 0;
    Status failed_ = Status::ok;
    std::string failure_;
};

Result<bool> Client::join() {
    if (const pmix_status_t status = pmix_.init(&self_, nullptr, 0); status != PMIX_SUCCESS) {
        (void)fail("the launcher named in the environment (PMIX_NAMESPACE) cannot be reached",
                   status);
        return {failed_, failure_ + "; unset PMIX_NAMESPACE to run alone"};
    }
    job_ = self_;
    job_.rank = PMIX_RANK_WILDCARD;
    const Value size = attribute(job_, PMIX_JOB_SIZE);
    size_ = size ? number_of(*size).value_or(0) : 0;
    if (size_ < 1 || self_.rank >= static_cast<pmix_rank_t>(size_)) {
        failed_ = Status::corrupt;
        failure_ =
            "the launcher gave a rank outside the job, or did not say how large the job is; it may "
            "be "
            "that another MPI program ran before in this process's place, which has room for one: "
            "unset PMIX_NAMESPACE to run alone";
        return {failed_, failure_};
    }
    rank_ = static_cast<int>(self_.rank);
    return true;
}

std::vector<int> Client::local_ranks() {
    const Value peers = attribute(job_, PMIX_LOCAL_PEERS);
    if (!peers || peers->type != PMIX_STRING || peers->data.string == nullptr) return {};
    std::vector<int> ranks;
    bool has_self = false;
    for (std::string_view rest = peers->data.string; !rest.empty();) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const auto rank = parse_number_within<int>(rest.substr(0, comma), 0, size_ - 1);
        // Only ascending ranks are what the standard means.
        if (!rank || (!ranks.empty() && *rank <= ranks.back())) return {};
        has_self = has_self || *rank == rank_;
        ranks.push_back(*rank);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return has_self ? ranks : std::vector<int>();
}

Result<bool> Client::put(std::string_view key, std::string_view value) {
    if (failed_ != Status::ok) return {failed_, failure_};
    if (!pmi1::is_key(key, pmi1::kMaxKeyBytes) || !pmi1::is_value(value, pmi1::kMaxValueBytes)) {
        return {Status::bad_argument, "a bootstrap key or value is malformed or too long"};
    }
    std::string text(value);
    pmix_value_t wrapped = {};
    wrapped.type = PMIX_STRING;
    wrapped.data.string = text.data();
    // The library copies the value.
    const pmix_status_t status = pmix_.put(PMIX_GLOBAL, std::string(key).c_str(), &wrapped);
    if (status != PMIX_SUCCESS) return fail("the launcher's library refused a value", status);
    return true;
}

Result<bool> Client::fence() {
    if (failed_ != Status::ok) return {failed_, failure_};
    if (const pmix_status_t status = pmix_.commit(); status != PMIX_SUCCESS) {
        return fail("the launcher is gone", status);
    }
    const pmix_info_t collect = flag(PMIX_COLLECT_DATA);
    if (const auto status = pmix_.fence(&job_, 1, &collect, 1); status != PMIX_SUCCESS) {
        return fail("the launcher's barrier failed", status);
    }
    return true;
}

Result<std::string> Client::get(int rank, std::string_view key) {
    if (failed_ != Status::ok) return {failed_, failure_};
    if (!pmi1::is_key(key, pmi1::kMaxKeyBytes) || rank < 0 || rank >= size_) {
        return {Status::bad_argument, "a bootstrap key is malformed or too long"};
    }
    pmix_proc_t owner = self_;
    owner.rank = static_cast<pmix_rank_t>(rank);
    // The fence has brought all values to this host's server. Without the flag the library would
    // wait until the owner puts a key that is not there.
    const pmix_info_t now = flag(PMIX_IMMEDIATE);
    pmix_value_t* raw = nullptr;
    const pmix_status_t status = pmix_.get(&owner, std::string(key).c_str(), &now, 1, &raw);
    const Value value(status == PMIX_SUCCESS ? raw : nullptr);
    if (status == PMIX_ERR_LOST_CONNECTION || status == PMIX_ERR_UNREACH) {
        (void)fail("the launcher is gone", status);
        return {failed_, failure_};
    }
    if (!value) {
        return {Status::bad_argument,
                "rank " + std::to_string(rank) + " has not put bootstrap key " + std::string(key)};
    }
    if (value->type != PMIX_STRING || value->data.string == nullptr ||
        !pmi1::is_value(value->data.string, pmi1::kMaxValueBytes)) {
        failed_ = Status::corrupt;
        failure_ = "the launcher answered with a value that is malformed or too long";
        return {failed_, failure_};
    }
    return std::string(value->data.string);
}

void Client::abort(int exitcode, std::string_view message) noexcept {
    boot::say_last(message);
    (void)pmix_.abort(boot::abort_code(exitcode), nullptr, nullptr, 0);
}

Result<bool> Client::finalize() {
    if (failed_ != Status::ok) return {failed_, failure_};
    if (const pmix_status_t status = pmix_.finalize(nullptr, 0); status != PMIX_SUCCESS) {
        return fail("taking leave of the launcher failed", status);
    }
    failed_ = Status::bad_argument;
    failure_ = "already finalized";
    return true;
}

Value Client::attribute(const pmix_proc_t& about, const char* key) const {
    const pmix_info_t here = flag(PMIX_OPTIONAL);
    pmix_value_t* raw = nullptr;
    const pmix_status_t status = pmix_.get(&about, key, &here, 1, &raw);
    return Value(status == PMIX_SUCCESS ? raw : nullptr);
}

Result<int> Client::number(const pmix_proc_t& about, const char* key) {
    if (failed_ != Status::ok) return {failed_, failure_};
    const Value value = attribute(about, key);
    return value ? number_of(*value).value_or(0) : 0;
}

Result<bool> Client::fail(const char* what, pmix_status_t status) {
    failed_ = Status::peer_failed;
    failure_ = what;
    if (const char* text = pmix_.error_string(status)) failure_ += std::string(": ") + text;
    return {failed_, failure_};
}

}  // namespace

bool available(std::string* why) {
    *why = Library::instance().missing;
    return why->empty();
}

std::unique_ptr<Bootstrap> connect(std::string* error) {
    auto client = std::make_unique<Client>();
    if (const Result<bool> joined = client->join(); !joined) {
        *error = joined.message();
        return nullptr;
    }
    return client;
}

}  // namespace adi::pmix
