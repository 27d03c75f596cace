// Layout and Buffer: how the ADI sees user memory, without knowing what a datatype is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace adi {

/// A rule that maps a stream of packed bytes to places in memory. MPI's derived datatypes
/// implement it; the ADI and the devices only call it, to pack straight into a ring slot or unpack
/// straight out of one, so that nobody builds a packed copy of a whole message.
///
/// Both calls may be made for any byte range, and from any thread (they do not change the layout).
/// `offset` and `n` are in packed bytes and lie within the message. What is received is unpacked
/// once and in order; what is sent may be packed in any order.
class Layout {
  public:
    /// Copies packed bytes [offset, offset + n) of `count` elements at `base` to `to`.
    virtual void pack(const void* base, std::uint64_t count, std::uint64_t offset, std::byte* to,
                      std::uint64_t n) const = 0;
    /// The reverse: stores `n` packed bytes at `from` where the layout says.
    virtual void unpack(void* base, std::uint64_t count, std::uint64_t offset,
                        const std::byte* from, std::uint64_t n) const = 0;

  protected:
    ~Layout() = default;
};

/// A message's place in user memory: `bytes` packed bytes, contiguous at `base` when `layout` is
/// null, else `count` elements of `layout` from `base`. Does not own anything; the memory and the
/// layout live until the operation completes.
struct Buffer {
    void* base = nullptr;
    std::uint64_t bytes = 0;
    const Layout* layout = nullptr;
    std::uint64_t count = 0;

    /// Copies packed bytes [offset, offset + n) out of this buffer.
    void read(std::uint64_t offset, void* to, std::uint64_t n) const {
        if (n == 0) return;
        if (layout == nullptr) {
            std::memcpy(to, static_cast<const std::byte*>(base) + offset, n);
        } else {
            layout->pack(base, count, offset, static_cast<std::byte*>(to), n);
        }
    }
    /// Stores packed bytes [offset, offset + n) into this buffer.
    void write(std::uint64_t offset, const void* from, std::uint64_t n) const {
        if (n == 0) return;
        if (layout == nullptr) {
            std::memcpy(static_cast<std::byte*>(base) + offset, from, n);
        } else {
            layout->unpack(base, count, offset, static_cast<const std::byte*>(from), n);
        }
    }
};

/// A contiguous buffer to send from; the ADI never writes to it.
inline Buffer contiguous(const void* base, std::uint64_t bytes) {
    return {const_cast<void*>(base), bytes, nullptr, 0};
}

}  // namespace adi
