// Puts: writes of libfabric's into memory that the receiver has registered. With each goes a word
// that the receiver sees when the bytes are in place; it counts them, and shows a later frame when
// as many have come as were begun before that.
#include <sodium.h>

#include <cstring>

#include "devices/ofi/ofi.hpp"

namespace dev::ofi {

using adi::Status;

/// The word: the sender's rank and, as far as the provider carries it, a part of its proof.
std::uint64_t Ofi::put_data(const Proof& proof, adi::Peer from) const {
    std::uint32_t part = 0;
    std::memcpy(&part, proof.data(), sizeof part);
    const bool wide = fabric_.info().domain_attr->cq_data_size >= 8;
    return from | (wide ? std::uint64_t{part} << 32 : 0);
}

void Ofi::on_put_data(std::uint64_t data, adi::Sink* sink) {
    if (sink == nullptr) return deferred_put_data_.push_back(data);
    const auto from = static_cast<std::uint32_t>(data);
    if (from >= info_.size || from == info_.self || data != put_data(way_to(from).proof_in, from)) {
        ++strangers_;
        return;
    }
    Way& way = *ways_[from];
    ++way.puts_in;
    if (!way.early.empty()) show_early(way, *sink);
}

Status Ofi::reg(void* address, std::uint64_t bytes, adi::Peer peer, adi::MemoryKey* key) {
    if (bytes == 0 || bytes > capabilities_.put_most_bytes) return Status::bad_argument;
    const bool by_address = fabric_.mr_mode(FI_MR_VIRT_ADDR);
    // A key that strangers do not guess, unless the provider makes it.
    std::uint64_t wanted = 0;
    randombytes_buf(&wanted, sizeof wanted);
    const std::size_t digits = fabric_.info().domain_attr->mr_key_size;
    if (digits < sizeof wanted) wanted &= (std::uint64_t{1} << (8 * digits)) - 1;
    Memory memory;
    if (!fabric_.register_memory(address, bytes, FI_REMOTE_WRITE, wanted, &memory)) {
        return Status::again;
    }
    const std::uint64_t provider_key = fi_mr_key(memory.get());
    if (provider_key == FI_KEY_NOTAVAIL) return Status::unsupported;
    std::uint64_t name = provider_key;
    // The peer needs more than fits into the value of a key: it hears of that first.
    if (by_address) {
        const std::uint64_t index = free_names_.empty() ? windows_.size() : free_names_.back();
        if (index >= kMostWindows) return Status::again;
        name = ++last_key_ * kMostWindows + index;
        const WindowBody body{name, reinterpret_cast<std::uintptr_t>(address), provider_key};
        std::string error;
        if (connect(peer, &error) != Status::ok) return Status::unsupported;
        const Status told =
            send_frame(*ways_[peer], FrameKind::window, &body, sizeof body, {}, 0, 0);
        if (told != Status::ok) return told;
        if (!free_names_.empty()) free_names_.pop_back();
    }
    windows_[name] = std::move(memory);
    *key = {name, bytes};
    return Status::ok;
}

void Ofi::dereg(const adi::MemoryKey& key) {
    if (windows_.erase(key.value) > 0 && fabric_.mr_mode(FI_MR_VIRT_ADDR)) {
        free_names_.push_back(key.value % kMostWindows);
    }
}

Status Ofi::put(adi::Peer peer, const void* address, std::uint64_t bytes, const adi::MemoryKey& key,
                void* token) {
    Way& way = *ways_[peer];
    if (bytes == 0 || bytes > key.bytes || bytes > capabilities_.put_most_bytes) {
        return Status::bad_argument;
    }
    if (way.dead) return Status::peer_failed;
    std::uint64_t there = 0, name = key.value;
    if (fabric_.mr_mode(FI_MR_VIRT_ADDR)) {
        // It may not have heard of this window yet.
        const std::uint64_t index = name % kMostWindows;
        if (index >= way.windows.size() || way.windows[index].name != name) {
            return Status::unsupported;
        }
        there = way.windows[index].address;
        name = way.windows[index].key;
    }
    if (free_puts_.empty()) {
        puts_.push_back(std::make_unique<Put>());
        free_puts_.push_back(puts_.back().get());
    }
    Put& put = *free_puts_.back();
    if (fabric_.mr_mode(FI_MR_LOCAL) &&
        !fabric_.register_memory(address, bytes, FI_WRITE, ++last_key_, &put.source)) {
        return Status::unsupported;
    }
    put.peer = peer;
    put.token = token;
    const ssize_t answer = fi_writedata(
        fabric_.endpoint(), address, bytes, put.source ? fi_mr_desc(put.source.get()) : nullptr,
        put_data(way.proof_out, info_.self), way.address, there, name, static_cast<Context*>(&put));
    if (answer != 0) {
        put.source.close();
        return answer == -FI_EAGAIN ? Status::again : Status::unsupported;
    }
    free_puts_.pop_back();
    ++way.puts;
    return Status::ok;
}

void Ofi::end_put(Put& put, Status status) {
    put.source.close();
    reports_.add_put(put.token, status);
    free_puts_.push_back(&put);
}

}  // namespace dev::ofi
