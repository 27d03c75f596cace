// Opening, progress, sleeping. Frames are in ofi_frames.cpp, puts in ofi_puts.cpp, receives that
// the provider matches in ofi_match.cpp.
#include "devices/ofi/ofi.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "adi/base/config.hpp"

namespace dev::ofi {

using adi::Status;

namespace {

constexpr std::size_t kSlots = 64;
/// Memory for frames that come: so many slabs where one takes several frames, else frames.
constexpr std::size_t kSlabs = 4, kSlabBytes = 512 * 1024, kSingleSlabs = 128;
/// Receives that the provider has at a time, where it matches; one more watches.
constexpr std::size_t kPosted = 256;
/// After so many looks without a watch there is one.
constexpr int kPatience = 256;
/// Above this the receiver is asked first.
constexpr std::uint32_t kEagerBytes = 64 * 1024;
constexpr std::uint64_t kPutMostBytes = std::uint64_t{4} << 20;
/// A sleep ends after this where the provider has no descriptor that would end it, or has timers
/// that only a look lets run.
constexpr long kShortSleepNs = 1'000'000;

void say(const std::string& text) {
    (void)!::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

// --- life ----------------------------------------------------------------------------------------

adi::Result<bool> Ofi::probe(const adi::OpenInfo& info) {
    Wish wish;
    wish.several_hosts = info.local.size() < info.size;
    wish.fast_only = !info.chosen;
    wish.explain = adi::verbose() && info.self == 0;
    if (const char* only = std::getenv("FATHOM_OFI_PROVIDER")) wish.only = only;
    wish.tagged = adi::config_number("FATHOM_OFI_TAGGED", 0, 0, 1) == 1;
    if (!info.chosen && !wish.several_hosts) {
        return {Status::unsupported, "all processes are on this host"};
    }
    // Who asks libfabric waits a tenth of a second.
    if (!info.chosen && !has_fast_hardware()) {
        return {Status::unsupported, "this host has no adapter of a fast network"};
    }
    std::string why;
    const Library* library = Library::get(&why);
    if (library == nullptr) return {Status::unsupported, why};
    adi::Result<Choice> choice = choose_provider(*library, wish);
    if (wish.explain && choice) {
        say("fathom: ofi: libfabric " + library->version() + " offers\n" + choice->table);
    }
    if (!choice) return {choice.status(), choice.message()};
    choice_ = std::move(*choice);
    return true;
}

Status Ofi::open(const adi::OpenInfo& info, std::string* error) {
    info_ = info;
    std::string why;
    const Library* library = Library::get(&why);
    if (library == nullptr || !choice_) {
        *error = "ofi: " + (library == nullptr ? why : "no provider was chosen");
        return Status::unsupported;
    }
    const bool puts = choice_->puts;
    // What other devices carry is not the provider's to match.
    if (info.first) tags_ = TagLayout(choice_->tag_bits);
    const unsigned tag_bits = tags_.sources() > 0 ? choice_->tag_bits : 0;
    if (!fabric_.open(*library, std::move(choice_->info), kFrameBytes, error)) {
        fabric_.close();
        return Status::unsupported;
    }
    choice_.reset();
    if (!make_buffers(error) || !make_park(error)) {
        close();
        return Status::no_memory;
    }
    card_ = Card{fabric_.provider(), fabric_.address(), tag_bits}.text();
    if (fabric_.address().empty() || card_.size() > kMostCardBytes) {
        *error = "ofi: provider " + fabric_.provider() + " has no address that can be published";
        close();
        return Status::unsupported;
    }
    ways_.resize(info.size);
    matches_.assign(info.size, 0);
    capabilities_.match_sources = tags_.sources();
    if (tag_bits > 0 && info.self == 0 && adi::verbose()) {
        say("fathom: ofi: " + fabric_.provider() + " matches messages, by tags of " +
            std::to_string(tag_bits) + " bits\n");
    }
    looks_are_dear_ = !is_fast(fabric_.provider());
    capabilities_.short_bytes = kShortBytes;
    capabilities_.eager_bytes = kEagerBytes;
    if (puts) {
        capabilities_.put_bytes = kEagerBytes + 1;
        capabilities_.put_most_bytes =
            std::min<std::uint64_t>(kPutMostBytes, fabric_.info().ep_attr->max_msg_size);
    }
    capabilities_.outlives = false;
    capabilities_.parks_on_fd = true;
    pause_ = {};
    return Status::ok;
}

bool Ofi::make_buffers(std::string* error) {
    const fi_info& info = fabric_.info();
    const auto failed = [&](const std::string& what) {
        *error = "ofi: provider " + fabric_.provider() + ": " + what;
        return false;
    };
    if (info.ep_attr->max_msg_size < kFrameBytes) {
        return failed("it carries " + std::to_string(info.ep_attr->max_msg_size) +
                      " bytes at a time only");
    }
    const bool multi = fabric_.multi_recv();
    const std::size_t slabs = multi ? kSlabs : std::min(kSingleSlabs, info.rx_attr->size);
    const std::size_t slab_bytes = multi ? kSlabBytes : kFrameBytes;
    const std::size_t slots = std::clamp<std::size_t>(info.tx_attr->size / 2, 4, kSlots);
    const bool matches = tags_.sources() > 0;
    const std::size_t posted = matches ? std::min(kPosted, info.rx_attr->size / 4) : 0;
    const std::size_t all = slabs * slab_bytes + (slots + posted + (matches ? 1 : 0)) * kFrameBytes;
    buffers_ = std::make_unique_for_overwrite<std::byte[]>(all);
    int why = 0;
    if (fabric_.mr_mode(FI_MR_LOCAL) &&
        !fabric_.register_memory(buffers_.get(), all, FI_SEND | FI_RECV, ++last_key_,
                                 &buffers_memory_, &why)) {
        return failed("memory cannot be registered: " + fabric_.error(why));
    }
    std::byte* next = buffers_.get();
    for (std::size_t i = 0; i < slabs; ++i, next += slab_bytes) {
        slabs_.push_back(std::make_unique<Slab>());
        slabs_.back()->bytes = next;
        slabs_.back()->size = slab_bytes;
        if (!post(*slabs_.back())) return failed("no memory can be posted for messages");
    }
    for (std::size_t i = 0; i < slots; ++i, next += kFrameBytes) {
        slots_.push_back(std::make_unique<Slot>());
        slots_.back()->bytes = next;
        free_slots_.push_back(slots_.back().get());
    }
    for (std::size_t i = 0; i < posted; ++i, next += kFrameBytes) {
        posted_.push_back(std::make_unique<Posted>());
        posted_.back()->bytes = next;
        free_posted_.push_back(posted_.back().get());
    }
    watch_.bytes = matches ? next : nullptr;
    return true;
}

/// One descriptor for all that ends a sleep.
bool Ofi::make_park(std::string* error) {
    const int fd = fabric_.wait_fd();
    if (fds_.open() && (fd < 0 || fds_.watch(fd, EPOLLIN, nullptr))) return true;
    *error = std::string("ofi: nothing to sleep on: ") + std::strerror(errno);
    return false;
}

bool Ofi::reaches(adi::Peer peer) const {
    if (peer == info_.self) return false;
    // Where a person chose this device, connect() tells who has another provider.
    if (info_.chosen) return true;
    const adi::Result<std::string> text = info_.card_of(peer);
    const std::optional<Card> card = text ? Card::parse(*text) : std::nullopt;
    return card && card->provider == fabric_.provider();
}

std::string_view Ofi::secret() {
    if (secret_.empty()) {
        if (adi::Result<std::string> secret = info_.secret()) secret_ = *secret;
    }
    return secret_;
}

Ofi::Way& Ofi::way_to(adi::Peer peer) {
    std::unique_ptr<Way>& way = ways_.at(peer);
    if (way == nullptr) {
        way = std::make_unique<Way>(peer);
        way->proof_in = make_proof(secret(), peer, info_.self, card_);
    }
    return *way;
}

Status Ofi::connect(adi::Peer peer, std::string* error) {
    const bool self = peer == info_.self;
    if (self && tags_.sources() == 0) return Status::ok;
    if (secret().empty()) {
        *error = "ofi: the launcher has no secret for this job";
        return Status::internal;
    }
    Way& way = way_to(peer);
    if (way.address != FI_ADDR_UNSPEC) return Status::ok;
    const adi::Result<std::string> text =
        self ? adi::Result<std::string>(card_) : info_.card_of(peer);
    const std::optional<Card> card = text ? Card::parse(*text) : std::nullopt;
    const std::string rank = "ofi: rank " + std::to_string(peer);
    if (!card) {
        *error = rank + (text ? " published no address: " + *text : ": " + text.message());
        return text ? Status::corrupt : text.status();
    }
    if (card->provider != fabric_.provider()) {
        *error = rank + " has the provider " + card->provider + ", and rank " +
                 std::to_string(info_.self) + " has " + fabric_.provider() +
                 "; FATHOM_OFI_PROVIDER chooses one that all hosts have";
        return Status::unsupported;
    }
    way.address = fabric_.insert(card->address);
    if (way.address == FI_ADDR_UNSPEC) {
        *error = rank + ": its address means nothing to the provider " + card->provider;
        return Status::corrupt;
    }
    way.proof_out = make_proof(secret(), info_.self, peer, *text);
    return Status::ok;
}

/// What was sent has left when its slots are free again.
Status Ofi::quiesce(std::chrono::steady_clock::time_point deadline) {
    for (;;) {
        (void)read(nullptr, 16);
        if (free_slots_.size() == slots_.size() && free_puts_.size() == puts_.size()) {
            return Status::ok;
        }
        if (Clock::now() > deadline) return Status::again;
        std::this_thread::yield();
    }
}

void Ofi::close() {
    if (strangers_ > 0 && adi::verbose()) {
        say("fathom: rank " + std::to_string(info_.self) + ": ofi: " + std::to_string(strangers_) +
            " messages of strangers were dropped\n");
    }
    strangers_ = 0;
    windows_.clear();
    for (auto& put : puts_) put->source.close();
    buffers_memory_.close();
    fabric_.close();
    puts_.clear();
    free_puts_.clear();
    slots_.clear();
    free_slots_.clear();
    slabs_.clear();
    posted_.clear();
    free_posted_.clear();
    arrivals_.clear();
    watch_.open = watches_ = false;
    tags_ = {};
    ways_.clear();
    owing_.clear();
    fds_.close();
}

void Ofi::lose(Way& way, Status why, const std::string& what) {
    if (way.dead) return;
    way.dead = true;
    way.early.clear();
    reports_.add_fault(way.stream.peer, why, what);
}

// --- progress ------------------------------------------------------------------------------------

int Ofi::poll(adi::Sink& sink, int budget) {
    if (!fabric_ || !pause_.over(!looks_are_dear_)) return 0;
    int done = 0;
    for (const std::uint64_t data : std::exchange(deferred_put_data_, {})) {
        on_put_data(data, &sink);
    }
    for (; !deferred_.empty() && done < budget; ++done) {
        const std::vector<std::byte> frame = std::move(deferred_.front());
        deferred_.pop_front();
        on_frame(frame.data(), frame.size(), sink);
    }
    done += show_arrivals(sink);
    if (deferred_.empty()) {
        // One that watches gets one message at a time.
        int found = 0;
        do {
            found = read(&sink, budget);
            done += found;
        } while (watches_ && found > 0 && done < budget);
    }
    // A provider that runs out of room for what nobody has asked for takes no more of anything.
    if (tags_.sources() > 0 && !watches_ && ++unwatched_polls_ > kPatience) watch();
    done += reports_.show(sink);
    if (!owing_.empty()) acknowledge();
    if (!unposted_.empty()) {
        std::erase_if(unposted_, [this](Slab* slab) { return post(*slab); });
    }
    if (done > 0) {
        if (looks_are_dear_) pause_.found();
    } else if (parked_ && fabric_.wait_fd() >= 0 && !fabric_.may_wait()) {
        wake();
    }
    return done;
}

int Ofi::read(adi::Sink* sink, int budget) {
    fi_cq_tagged_entry entries[16];
    const auto most = static_cast<std::size_t>(std::clamp(budget, 1, 16));
    const ssize_t count = fi_cq_read(fabric_.queue(), entries, most);
    if (count == -FI_EAVAIL) {
        on_error();
        return 1;
    }
    for (ssize_t i = 0; i < count; ++i) on_completion(entries[i], sink);
    return static_cast<int>(std::max<ssize_t>(count, 0));
}

void Ofi::on_completion(const fi_cq_tagged_entry& entry, adi::Sink* sink) {
    // The provider `sockets` sets the first flag at who puts, too.
    if ((entry.flags & FI_REMOTE_CQ_DATA) != 0 && (entry.flags & FI_WRITE) == 0) {
        return on_put_data(entry.data, sink);
    }
    auto* context = static_cast<Context*>(entry.op_context);
    if (context == nullptr) return;
    if (context->kind == Context::Kind::frame) {
        auto& slot = static_cast<Slot&>(*context);
        --ways_[slot.peer]->slots;
        free_slots_.push_back(&slot);
    } else if (context->kind == Context::Kind::put) {
        end_put(static_cast<Put&>(*context), Status::ok);
    } else if (context->kind == Context::Kind::posted) {
        auto& posted = static_cast<Posted&>(*context);
        posted.open = false;
        const Arrival arrival{&posted, entry.len, entry.tag};
        if (sink != nullptr && arrivals_.empty()) {
            on_arrival(arrival, *sink);
        } else {
            arrivals_.push_back(arrival);
        }
    } else {
        auto& slab = static_cast<Slab&>(*context);
        const bool multi = fabric_.multi_recv();
        if ((entry.flags & FI_RECV) != 0) {
            const auto* frame = multi ? static_cast<const std::byte*>(entry.buf) : slab.bytes;
            if (sink != nullptr) {
                on_frame(frame, entry.len, *sink);
            } else {
                deferred_.emplace_back(frame, frame + entry.len);
            }
        }
        if ((!multi || (entry.flags & FI_MULTI_RECV) != 0) && !post(slab)) {
            unposted_.push_back(&slab);
        }
    }
}

void Ofi::on_error() {
    fi_cq_err_entry entry = {};
    if (fi_cq_readerr(fabric_.queue(), &entry, 0) < 0) return;
    auto* context = static_cast<Context*>(entry.op_context);
    if (entry.err == FI_ECANCELED) {
        if (context != nullptr && context->kind == Context::Kind::posted) {
            on_cancelled(static_cast<Posted&>(*context));
        }
        return;
    }
    const std::string what = "libfabric's " + fabric_.provider() + ": " + fabric_.error(entry.err);
    if (context == nullptr) {
        reports_.add_fault(info_.self, Status::internal, what);
    } else if (context->kind == Context::Kind::frame) {
        auto& slot = static_cast<Slot&>(*context);
        Way& way = *ways_[slot.peer];
        --way.slots;
        free_slots_.push_back(&slot);
        lose(way, Status::peer_failed, "a message could not be delivered: " + what);
    } else if (context->kind == Context::Kind::put) {
        auto& put = static_cast<Put&>(*context);
        Way& way = *ways_[put.peer];
        end_put(put, Status::peer_failed);
        lose(way, Status::peer_failed, "a put could not be done: " + what);
    } else if (context->kind == Context::Kind::posted) {
        reports_.add_fault(info_.self, Status::internal, "a matched message was lost: " + what);
    } else {
        // A frame of nobody in the job, or one that is lost, which the next one of its peer shows.
        ++strangers_;
        auto& slab = static_cast<Slab&>(*context);
        if (!fabric_.multi_recv() || (entry.flags & FI_MULTI_RECV) != 0) unposted_.push_back(&slab);
    }
}

// --- sleeping ------------------------------------------------------------------------------------

adi::Park Ofi::prepare_park(bool) {
    parked_ = true;
    pause_.end();
    if (tags_.sources() > 0) watch();
    const bool has_timers = fabric_.info().domain_attr->data_progress == FI_PROGRESS_MANUAL &&
                            fabric_.provider().find("rxd") != std::string::npos;
    if (fabric_.wait_fd() < 0 || has_timers) {
        const itimerspec soon{{0, 0}, {0, kShortSleepNs}};
        fds_.set_timer(soon);
    }
    if (fabric_.wait_fd() >= 0 && !fabric_.may_wait()) wake();
    adi::Park park;
    park.fd = fds_.epoll();
    return park;
}

void Ofi::cancel_park() {
    parked_ = false;
    pause_.end();
    fds_.clear_waker();
    fds_.clear_timer();
}

void Ofi::wake() {
    fds_.wake();
}

std::unique_ptr<adi::Device> make() {
    return std::make_unique<Ofi>();
}

}  // namespace dev::ofi
