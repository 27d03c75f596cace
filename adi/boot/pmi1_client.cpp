#include "adi/boot/pmi1_client.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "adi/base/number.hpp"
#include "adi/boot/client.hpp"

namespace adi::pmi1 {

namespace {

std::string errno_text(int error) {
    return std::strerror(error);
}

}  // namespace

std::unique_ptr<Client> Client::open(int fd, int rank, int size, std::string* error) {
    std::unique_ptr<Client> client(new Client(fd, rank, size));
    // A program that this process starts later must not hold, or speak on, its line to the
    // launcher.
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0) {
        *error = "PMI_FD=" + std::to_string(fd) +
                 " names no open descriptor: whatever stands between the launcher and this program "
                 "closed it; let it keep its open descriptors, or unset PMI_FD to run alone";
        client->fd_ = -1;
        return nullptr;
    }
    ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    if (auto done = client->handshake(); !done) {
        *error = done.message();
        if (done.status() == Status::peer_failed) {
            *error +=
                "; or another MPI program ran before in this process's place, which has room for "
                "one: "
                "unset PMI_FD to run alone";
        }
        return nullptr;
    }
    return client;
}

std::unique_ptr<Client> Client::connect(const std::string& host_port, const std::string& pmi_id,
                                        std::string* error) {
    const std::size_t colon = host_port.rfind(':');
    if (colon == std::string::npos ||
        !parse_number_within<int>(host_port.substr(colon + 1), 1, 65535)) {
        *error = "PMI_PORT is not of the form host:port";
        return nullptr;
    }
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = ::getaddrinfo(host_port.substr(0, colon).c_str(),
                                   host_port.substr(colon + 1).c_str(), &hints, &found);
    if (code != 0) {
        *error = "the launcher's address PMI_PORT=" + host_port +
                 " cannot be resolved: " + ::gai_strerror(code);
        return nullptr;
    }
    int fd = -1;
    int last_error = 0;
    for (const addrinfo* at = found; at != nullptr && fd < 0; at = at->ai_next) {
        fd = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd >= 0 && ::connect(fd, at->ai_addr, at->ai_addrlen) == 0) break;
        last_error = errno;
        if (fd >= 0) ::close(fd);
        fd = -1;
    }
    ::freeaddrinfo(found);
    if (fd < 0) {
        *error = "cannot connect to the launcher at PMI_PORT=" + host_port + ": " +
                 errno_text(last_error);
        return nullptr;
    }
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::unique_ptr<Client> client(new Client(fd, 0, 1));
    auto done = client->learn_rank_and_size(pmi_id);
    if (done) done = client->handshake();
    if (!done) {
        *error = done.message();
        return nullptr;
    }
    return client;
}

Client::~Client() {
    if (fd_ >= 0) ::close(fd_);
}

Result<bool> Client::learn_rank_and_size(const std::string& pmi_id) {
    if (!is_value(pmi_id, kMaxNameBytes)) {
        return {Status::bad_argument, "PMI_ID is empty or holds unprintable bytes"};
    }
    auto answer = ask(format("initack", {{"pmiid", pmi_id}}), "initack");
    if (!answer) return {answer.status(), answer.message()};
    // The launcher follows with `set` lines, in this order: size, rank, debug.
    int* const targets[] = {&size_, &rank_, nullptr};
    const char* const names[] = {"size", "rank", "debug"};
    for (std::size_t i = 0; i < std::size(targets); ++i) {
        auto line = read_message();
        if (!line) return {line.status(), line.message()};
        const auto value = line->find_int(names[i], 0, boot::kMaxRanks);
        if (line->command() != "set" || !value) {
            const Status status = fail(Status::corrupt, std::string("the launcher did not say ") +
                                                            names[i] + " when it was asked");
            return {status, failure_};
        }
        if (targets[i] != nullptr) *targets[i] = *value;
    }
    if (size_ < 1 || rank_ >= size_) {
        const Status status = fail(Status::corrupt, "the launcher gave a rank outside the job");
        return {status, failure_};
    }
    return true;
}

Result<bool> Client::handshake() {
    auto init =
        ask(format("init", {{"pmi_version", "1"}, {"pmi_subversion", "1"}}), "response_to_init");
    if (!init) return {init.status(), init.message()};
    if (init->find_int("rc", 0, 0) != 0 || init->find_int("pmi_version", 1, 1) != 1) {
        const Status status =
            fail(Status::unsupported, "the launcher does not speak version 1 of PMI");
        return {status, failure_};
    }
    auto maxes = ask(format("get_maxes"), "maxes");
    if (!maxes) return {maxes.status(), maxes.message()};
    const auto key_bytes = maxes->find_int("keylen_max", 1, 1 << 20);
    const auto value_bytes = maxes->find_int("vallen_max", 1, 1 << 20);
    if (!key_bytes || !value_bytes) {
        const Status status = fail(Status::corrupt, "the launcher's maxima make no sense");
        return {status, failure_};
    }
    max_key_bytes_ = std::min(kMaxKeyBytes, static_cast<std::size_t>(*key_bytes));
    max_value_bytes_ = std::min(kMaxValueBytes, static_cast<std::size_t>(*value_bytes));
    auto name = ask(format("get_my_kvsname"), "my_kvsname");
    if (!name) return {name.status(), name.message()};
    const std::string* text = name->find("kvsname");
    if (text == nullptr || !is_value(*text, kMaxNameBytes)) {
        const Status status =
            fail(Status::corrupt, "the launcher did not name the job's key space");
        return {status, failure_};
    }
    kvs_name_ = *text;
    return true;
}

Result<int> Client::appnum() {
    auto answer = ask(format("get_appnum"), "appnum");
    if (!answer) return {answer.status(), answer.message()};
    return answer->find_int("appnum", 0, boot::kMaxRanks).value_or(0);
}

Result<int> Client::universe_size() {
    auto answer = ask(format("get_universe_size"), "universe_size");
    if (!answer) return {answer.status(), answer.message()};
    return answer->find_int("size", 0, boot::kMaxRanks).value_or(0);
}

std::vector<int> Client::local_ranks() {
    const Result<std::string> mapping = look_up("PMI_process_mapping");
    if (!mapping) return {};
    const std::vector<int> node_of = parse_process_mapping(*mapping, size_);
    std::vector<int> local;
    for (std::size_t rank = 0; rank < node_of.size(); ++rank) {
        if (node_of[rank] == node_of[static_cast<std::size_t>(rank_)]) {
            local.push_back(static_cast<int>(rank));
        }
    }
    return local;
}

std::string Client::launcher_secret() {
    const Result<std::string> secret = look_up(kLauncherSecretKey);
    return secret ? *secret : std::string();
}

Result<bool> Client::put(std::string_view key, std::string_view value) {
    if (!is_key(key, max_key_bytes_)) {
        return {Status::bad_argument, "a bootstrap key is malformed or too long"};
    }
    if (!is_value(value, max_value_bytes_)) {
        return {Status::bad_argument,
                "the value of bootstrap key " + std::string(key) + " is malformed or too long"};
    }
    auto answer =
        ask(format("put", {{"kvsname", kvs_name_}, {"key", key}, {"value", value}}), "put_result");
    if (!answer) return {answer.status(), answer.message()};
    if (answer->find_int("rc", 0, 0) != 0) {
        const std::string* why = answer->find("msg");
        return {Status::bad_argument, "the launcher refused bootstrap key " + std::string(key) +
                                          (why == nullptr ? "" : ": " + *why)};
    }
    return true;
}

Result<std::string> Client::get(int, std::string_view key) {
    return look_up(key);
}

Result<std::string> Client::look_up(std::string_view key) {
    if (!is_key(key, max_key_bytes_)) {
        return {Status::bad_argument, "a bootstrap key is malformed or too long"};
    }
    auto answer = ask(format("get", {{"kvsname", kvs_name_}, {"key", key}}), "get_result");
    if (!answer) return {answer.status(), answer.message()};
    if (answer->find_int("rc", 0, 0) != 0) {
        return {Status::bad_argument, "no rank has put bootstrap key " + std::string(key)};
    }
    const std::string* value = answer->find("value");
    if (value == nullptr || value->size() > kMaxValueBytes) {
        const Status status =
            fail(Status::corrupt, "the launcher answered with no value or one that is too long");
        return {status, failure_};
    }
    return *value;
}

Result<bool> Client::fence() {
    auto answer = ask(format("barrier_in"), "barrier_out");
    if (!answer) return {answer.status(), answer.message()};
    // Some launchers answer with rc; one that is there must be 0.
    if (answer->find("rc") != nullptr && answer->find_int("rc", 0, 0) != 0) {
        const Status status = fail(Status::internal, "the launcher's barrier failed");
        return {status, failure_};
    }
    return true;
}

void Client::abort(int exitcode, std::string_view message) noexcept {
    boot::say_last(message);
    (void)send(format("abort", {{"exitcode", std::to_string(boot::abort_code(exitcode))}}));
}

bool Client::report_lost(int rank, std::string_view why) noexcept {
    // A word of Fathom's own, which others would call an error.
    if (launcher_secret().empty()) return false;
    const std::string text = sentence_to_value(why, kMaxValueBytes);
    return static_cast<bool>(
        send(format("rank_lost", {{"rank", std::to_string(rank)}, {"why", text}})));
}

void Client::invite(int rank) noexcept {
    if (launcher_secret().empty()) return;
    (void)send(format("invite", {{"rank", std::to_string(rank)}}));
}

Result<bool> Client::finalize() {
    auto answer = ask(format("finalize"), "finalize_ack");
    if (!answer) return {answer.status(), answer.message()};
    ::close(fd_);
    fd_ = -1;
    return true;
}

Result<Message> Client::ask(const std::string& line, std::string_view reply) {
    if (auto sent = send(line); !sent) return {sent.status(), sent.message()};
    auto answer = read_message();
    if (answer && answer->command() != reply) {
        const Status status =
            fail(Status::corrupt,
                 "the launcher answered with something else than cmd=" + std::string(reply));
        return {status, failure_};
    }
    return answer;
}

Result<Message> Client::read_message() {
    if (failed_ != Status::ok) return {failed_, failure_};
    while (true) {
        if (auto line = lines_.next()) {
            std::string why;
            if (auto message = Message::parse(*line, &why)) return *message;
            const Status status =
                fail(Status::corrupt, "the launcher's answer is malformed: " + why);
            return {status, failure_};
        }
        if (lines_.overflowed()) {
            const Status status = fail(Status::corrupt, "the launcher's answer is too long");
            return {status, failure_};
        }
        char bytes[1024];
        const ssize_t got = ::read(fd_, bytes, sizeof bytes);
        if (got > 0) {
            lines_.append({bytes, static_cast<std::size_t>(got)});
        } else if (got == 0 || errno != EINTR) {
            const Status status = fail(Status::peer_failed,
                                       got == 0 ? "the launcher is gone: it closed the connection"
                                                : "the launcher is gone: " + errno_text(errno));
            return {status, failure_};
        }
    }
}

Result<bool> Client::send(std::string_view bytes) {
    if (failed_ == Status::ok && fd_ < 0) (void)fail(Status::bad_argument, "already finalized");
    if (failed_ != Status::ok) return {failed_, failure_};
    while (!bytes.empty()) {
        // MSG_NOSIGNAL: a dead launcher is an error to report, not a SIGPIPE.
        const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (put >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(put));
        } else if (errno != EINTR) {
            const Status status =
                fail(Status::peer_failed, "the launcher is gone: " + errno_text(errno));
            return {status, failure_};
        }
    }
    return true;
}

Status Client::fail(Status status, std::string message) {
    failed_ = status;
    failure_ = std::move(message);
    return status;
}

}  // namespace adi::pmi1
