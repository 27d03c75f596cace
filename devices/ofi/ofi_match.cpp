// Receives that the provider matches, by tags (tags.hpp). They are posted into memory of this
// device: what came is copied to the user's buffer when it has proved that it is of the job.
#include <algorithm>
#include <cstring>
#include <utility>

#include "devices/ofi/ofi.hpp"

namespace dev::ofi {

using adi::Status;

bool Ofi::matches(adi::Peer peer) const {
    if (peer == info_.self) return tags_.sources() > 0;
    std::int8_t& known = matches_[peer];
    if (known == 0) {
        const adi::Result<std::string> text = info_.card_of(peer);
        const std::optional<Card> card = text ? Card::parse(*text) : std::nullopt;
        const std::optional<Card> own = Card::parse(card_);
        known = card && own && card->provider == own->provider && own->tag_bits > 0 &&
                        card->tag_bits == own->tag_bits
                    ? 1
                    : -1;
    }
    return known > 0;
}

/// Hands a receive to the provider; false when it has no room.
bool Ofi::start(Posted& posted, std::uint64_t tag, std::uint64_t open) {
    void* where = buffers_memory_ ? fi_mr_desc(buffers_memory_.get()) : nullptr;
    posted.open = fi_trecv(fabric_.endpoint(), posted.bytes, kFrameBytes, where, FI_ADDR_UNSPEC,
                           tag, open, static_cast<Context*>(&posted)) == 0;
    return posted.open;
}

Status Ofi::post(const adi::Header& wanted, void* token) {
    end_watch();
    // What the watch got is to be looked at first: it may be what is wanted.
    if (watch_.open || !arrivals_.empty() || free_posted_.empty()) return Status::again;
    Posted& posted = *free_posted_.back();
    if (!start(posted, tags_.tag(wanted), tags_.open(wanted))) return Status::again;
    posted.token = token;
    free_posted_.pop_back();
    return Status::ok;
}

void Ofi::retract(void* token) {
    for (const std::unique_ptr<Posted>& posted : posted_) {
        if (posted->open && posted->token == token) {
            fi_cancel(&fabric_.endpoint()->fid, static_cast<Context*>(posted.get()));
        }
    }
}

/// The provider has no receive for it any more, and no message came.
void Ofi::on_cancelled(Posted& posted) {
    posted.open = false;
    if (&posted == &watch_) return start_watch();
    retracted_.push_back(std::exchange(posted.token, nullptr));
    free_posted_.push_back(&posted);
}

// --- watching ------------------------------------------------------------------------------------

void Ofi::watch() {
    watches_ = true;
    start_watch();
}

/// Posts a receive for anything, behind all others.
void Ofi::start_watch() {
    const bool unread = std::any_of(arrivals_.begin(), arrivals_.end(),
                                    [this](const Arrival& a) { return a.posted == &watch_; });
    if (watches_ && !watch_.open && !unread) start(watch_, 0, tags_.any());
}

void Ofi::end_watch() {
    watches_ = false;
    unwatched_polls_ = 0;
    if (!watch_.open) return;
    fi_cancel(&fabric_.endpoint()->fid, static_cast<Context*>(&watch_));
    for (int looks = 0; looks < 4 && watch_.open; ++looks) (void)read(nullptr, 16);
}

// --- in ------------------------------------------------------------------------------------------

int Ofi::show_arrivals(adi::Sink& sink) {
    int done = 0;
    for (void* token : std::exchange(retracted_, {})) {
        sink.on_retracted(token);
        ++done;
    }
    for (; !arrivals_.empty(); ++done) {
        const Arrival arrival = arrivals_.front();
        arrivals_.pop_front();
        on_arrival(arrival, sink);
    }
    start_watch();
    return done;
}

void Ofi::on_arrival(const Arrival& arrival, adi::Sink& sink) {
    Posted& posted = *arrival.posted;
    const bool watched = &posted == &watch_;
    Prefix prefix;
    adi::Header header;
    if (arrival.bytes >= kMessageBytes) {
        std::memcpy(&prefix, posted.bytes, sizeof prefix);
        std::memcpy(&header, posted.bytes + sizeof prefix, sizeof header);
    }
    const bool sound = prefix.kind == FrameKind::matched && adi::network_matches(header) &&
                       header.bytes == arrival.bytes - kMessageBytes && header.source >= 0 &&
                       header.tag >= 0 && tags_.tag(header) == arrival.tag;
    const Way* way = proven(prefix);
    if (way != nullptr && sound) {
        matched_.peer = prefix.from;
        matched_.header = header;
        matched_.token = nullptr;
        matched_body_ = posted.bytes + kMessageBytes;
        if (watched) {
            sink.on_header(matched_);
        } else {
            sink.on_matched(matched_, std::exchange(posted.token, nullptr));
        }
    } else if (!watched) {
        reports_.add_fault(info_.self, Status::corrupt,
                           "the network matched a message with a receive that is none of the job");
    }
    if (!watched) free_posted_.push_back(&posted);
    start_watch();
}

}  // namespace dev::ofi
