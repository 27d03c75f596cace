// The PMI-1 client: a Bootstrap over a stream to the launcher. Blocking, one question at a time.
#pragma once

#include <memory>
#include <string>

#include "adi/base/status.hpp"
#include "adi/boot/boot.hpp"
#include "adi/boot/pmi1_wire.hpp"

namespace adi::pmi1 {

class Client final : public Bootstrap {
  public:
    /// Takes over the connected descriptor `fd` and performs the handshake (init, get_maxes,
    /// get_my_kvsname). `rank` and `size` come from the environment and are already checked. Null
    /// on failure, `fd` then being closed and `error` saying why.
    static std::unique_ptr<Client> open(int fd, int rank, int size, std::string* error);

    /// For PMI_PORT: connects to `host_port` ("host:port"), introduces itself as `pmi_id`, and
    /// learns rank and size from the launcher's answer.
    static std::unique_ptr<Client> connect(const std::string& host_port, const std::string& pmi_id,
                                           std::string* error);

    ~Client() override;

    int rank() const override { return rank_; }
    int size() const override { return size_; }
    Result<int> appnum() override;
    Result<int> universe_size() override;
    std::vector<int> local_ranks() override;
    std::string launcher_secret() override;
    Result<bool> put(std::string_view key, std::string_view value) override;
    Result<std::string> get(int rank, std::string_view key) override;
    Result<bool> fence() override;
    void abort(int exitcode, std::string_view message) noexcept override;
    bool report_lost(int rank, std::string_view why) noexcept override;
    void invite(int rank) noexcept override;
    Result<bool> finalize() override;

  private:
    Client(int fd, int rank, int size) : fd_(fd), rank_(rank), size_(size) {}

    Result<bool> handshake();
    // The value of a key, whoever put it.
    Result<std::string> look_up(std::string_view key);
    Result<bool> learn_rank_and_size(const std::string& pmi_id);
    // Sends `line` and reads one line, whose command must be `reply`.
    Result<Message> ask(const std::string& line, std::string_view reply);
    Result<Message> read_message();
    Result<bool> send(std::string_view bytes);
    // Remembers the first failure, with which every later call is answered.
    Status fail(Status status, std::string message);

    int fd_;
    int rank_;
    int size_;
    std::size_t max_key_bytes_ = kMaxKeyBytes;
    std::size_t max_value_bytes_ = kMaxValueBytes;
    std::string kvs_name_;
    LineBuffer lines_;
    Status failed_ = Status::ok;
    std::string failure_;
};

}  // namespace adi::pmi1
