#include "mpi/launch/outputs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace launch {

namespace {

constexpr std::chrono::milliseconds kPromptDelay{100};

bool same_file(int a, int b) {
    struct stat first = {};
    struct stat second = {};
    return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

}  // namespace

Outputs::Outputs(EventLoop* loop, const Options& options, Hooks hooks)
    : loop_(loop), options_(options), hooks_(std::move(hooks)) {
    const auto drained = [this] { follow_sinks(); };
    out_ = std::make_unique<Sink>(loop, STDOUT_FILENO, drained);
    if (!same_file(STDOUT_FILENO, STDERR_FILENO)) {
        own_err_ = std::make_unique<Sink>(loop, STDERR_FILENO, drained);
    }
    err_ = own_err_ ? own_err_.get() : out_.get();
    interactive_ = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

Outputs::~Outputs() {
    streams_.clear();
}

bool Outputs::open(const JobPlan& plan, const std::vector<std::string>& hosts, std::string* error) {
    for (int rank = 0; rank < plan.size(); ++rank) {
        LineStyle style;
        style.timestamp = options_.timestamp_output;
        if (options_.tag_output) style.tag = '[' + std::to_string(rank) + "] ";
        const std::string& host = hosts[static_cast<std::size_t>(plan.at(rank).host)];
        for (const bool is_stderr : {false, true}) {
            auto sinks = sinks_of(is_stderr, rank, plan.at(rank).appnum, host, error);
            if (sinks.empty()) return false;
            streams_.push_back(std::make_unique<OutputStream>(style, std::move(sinks)));
        }
    }
    unread_.resize(streams_.size());
    if (interactive_) loop_->call_after(kPromptDelay, [this] { show_prompts(); });
    return true;
}

std::vector<Sink*> Outputs::sinks_of(bool is_stderr, int rank, int appnum, const std::string& host,
                                     std::string* error) {
    std::vector<Sink*> sinks;
    if (!options_.output_directory.empty()) {
        const std::string directory = options_.output_directory + "/1/rank." + std::to_string(rank);
        std::error_code code;
        std::filesystem::create_directories(directory, code);
        if (code) {
            *error = "cannot make the directory " + directory + ": " + code.message();
            return {};
        }
        Sink* sink = file_sink(directory + (is_stderr ? "/stderr" : "/stdout"), error);
        if (sink == nullptr) return {};
        sinks.push_back(sink);
        if (!options_.output_copy) return sinks;
    }
    const std::string& pattern = is_stderr ? options_.stderr_pattern : options_.stdout_pattern;
    Sink* sink = is_stderr ? err_ : out_.get();
    if (!pattern.empty()) {
        sink = file_sink(expand_pattern(pattern, rank, appnum, host, ::getpid()), error);
        if (sink == nullptr) return {};
    }
    sinks.push_back(sink);
    return sinks;
}

Sink* Outputs::file_sink(const std::string& path, std::string* error) {
    std::unique_ptr<Sink>& sink = files_[path];
    if (!sink) {
        UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
        if (!fd) {
            *error = "cannot open the output file " + path + ": " + std::strerror(errno);
            return nullptr;
        }
        sink = std::make_unique<Sink>(loop_, fd.get(), [this] { follow_sinks(); });
        file_fds_.push_back(std::move(fd));
    }
    return sink.get();
}

void Outputs::feed(int rank, bool is_stderr, std::string_view bytes) {
    const std::size_t i = static_cast<std::size_t>(rank) * 2 + (is_stderr ? 1 : 0);
    if (i >= streams_.size()) return;
    streams_[i]->feed(bytes);
    if (congested() || streams_[i]->unread()) follow_sinks();
}

void Outputs::rank_ended(int rank) {
    const auto first = static_cast<std::size_t>(rank) * 2;
    for (const std::size_t i : {first, first + 1}) streams_[i]->show_partial();
}

void Outputs::finish() {
    for (auto& stream : streams_) stream->show_partial();
}

void Outputs::say(const std::string& line) {
    err_->write(this, line + '\n');
}

void Outputs::drain(std::chrono::milliseconds limit) {
    out_->drain(limit);
    if (own_err_) own_err_->drain(limit);
    for (auto& [path, sink] : files_) sink->drain(limit);
}

bool Outputs::congested() const {
    return out_->congested() || err_->congested() ||
           std::any_of(files_.begin(), files_.end(),
                       [](const auto& file) { return file.second->congested(); });
}

void Outputs::follow_sinks() {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        if (unread_[i] || !streams_[i]->unread()) continue;
        unread_[i] = true;
        hooks_.unread(static_cast<int>(i / 2), i % 2 != 0);
    }
    const bool hold = congested();
    if (hold == held_) return;
    held_ = hold;
    hooks_.hold(hold);
}

void Outputs::show_prompts() {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        const bool reads =
            options_.stdin_target == kStdinAll || options_.stdin_target == static_cast<int>(i / 2);
        if (reads && streams_[i]->partial()) streams_[i]->show_partial();
    }
    loop_->call_after(kPromptDelay, [this] { show_prompts(); });
}

}  // namespace launch
