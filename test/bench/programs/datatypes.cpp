// Derived datatypes: a ping-pong of non-contiguous data, sent by its datatype (`datatype`), and by
// loops that pack and unpack by hand around a contiguous message (`hand_pack`).
// `bytes` counts the data, not the gaps.
//
//   vector8    one double in two: a column of a matrix
//   vector256  256 bytes in 512: a face of a block
//   nested     vectors of vectors: a plane of a three-dimensional array
//   indexed    blocks of 1 to 7 doubles at irregular places
//   struct     three of four members of an array of structures
//   mg_x       the face of a grid with a border across its fastest dimension: single doubles
//   mg_y       the face across the next dimension: rows of doubles, a plane apart
//   ft         a matrix of complex numbers column by column: one side of FT's transpose
#include <cstring>
#include <memory>

#include "bench.hpp"

namespace {

constexpr int kTag = 1;

// Data of one kind: how MPI describes it, and how a programmer packs it without MPI. A type of
// `bytes` payload is sent with count 1, unless `count` says otherwise.
class Layout {
  public:
    virtual ~Layout() { MPI_Type_free(&type); }
    virtual void pack(unsigned char* out, const unsigned char* base) const = 0;
    virtual void unpack(unsigned char* base, const unsigned char* in) const = 0;

    MPI_Datatype type = MPI_DATATYPE_NULL;
    int count = 1;
    std::size_t span_bytes = 0;  // of the memory that the data lies in
};

double* doubles(unsigned char* bytes) {
    return reinterpret_cast<double*>(bytes);
}
const double* doubles(const unsigned char* bytes) {
    return reinterpret_cast<const double*>(bytes);
}

class Vector : public Layout {
  public:
    Vector(std::size_t bytes, std::size_t block_doubles)
        : blocks_(bytes / 8 / block_doubles), length_(block_doubles) {
        MPI_Type_vector(static_cast<int>(blocks_), static_cast<int>(length_),
                        static_cast<int>(2 * length_), MPI_DOUBLE, &type);
        MPI_Type_commit(&type);
        span_bytes = blocks_ * 2 * length_ * 8;
    }
    void pack(unsigned char* out, const unsigned char* base) const override {
        if (length_ == 1) {
            for (std::size_t i = 0; i < blocks_; ++i) doubles(out)[i] = doubles(base)[2 * i];
            return;
        }
        for (std::size_t i = 0; i < blocks_; ++i) {
            std::memcpy(out + i * length_ * 8, base + i * 2 * length_ * 8, length_ * 8);
        }
    }
    void unpack(unsigned char* base, const unsigned char* in) const override {
        if (length_ == 1) {
            for (std::size_t i = 0; i < blocks_; ++i) doubles(base)[2 * i] = doubles(in)[i];
            return;
        }
        for (std::size_t i = 0; i < blocks_; ++i) {
            std::memcpy(base + i * 2 * length_ * 8, in + i * length_ * 8, length_ * 8);
        }
    }

  private:
    std::size_t blocks_;
    std::size_t length_;  // doubles of a block
};

// Rows of kRow blocks of two doubles, each followed by a gap as long; every other row.
class Nested : public Layout {
  public:
    explicit Nested(std::size_t bytes) : rows_(bytes / (kRow * 16)) {
        MPI_Datatype row = MPI_DATATYPE_NULL;
        MPI_Type_vector(kRow, 2, 4, MPI_DOUBLE, &row);
        MPI_Type_vector(static_cast<int>(rows_), 1, 2, row, &type);
        MPI_Type_commit(&type);
        MPI_Type_free(&row);
        span_bytes = rows_ * kRowStride * 8;
    }
    void pack(unsigned char* out, const unsigned char* base) const override {
        double* to = doubles(out);
        for (std::size_t row = 0; row < rows_; ++row) {
            const double* from = doubles(base) + row * kRowStride;
            for (std::size_t i = 0; i < kRow; ++i) {
                *to++ = from[4 * i];
                *to++ = from[4 * i + 1];
            }
        }
    }
    void unpack(unsigned char* base, const unsigned char* in) const override {
        const double* from = doubles(in);
        for (std::size_t row = 0; row < rows_; ++row) {
            double* to = doubles(base) + row * kRowStride;
            for (std::size_t i = 0; i < kRow; ++i) {
                to[4 * i] = *from++;
                to[4 * i + 1] = *from++;
            }
        }
    }

  private:
    static constexpr std::size_t kRow = 16;
    // The extent of a row ends with its last block, without the gap: 4 * kRow - 2 doubles.
    static constexpr std::size_t kRowStride = 2 * (4 * kRow - 2);
    std::size_t rows_;
};

class Indexed : public Layout {
  public:
    explicit Indexed(std::size_t bytes) {
        unsigned state = 12345;
        int place = 0;
        for (int left = static_cast<int>(bytes / 8); left > 0;) {
            state = state * 1664525u + 1013904223u;
            const int length = std::min(left, 1 + static_cast<int>((state >> 16) % 7));
            lengths_.push_back(length);
            places_.push_back(place);
            place += length + 1 + static_cast<int>((state >> 24) % 5);
            left -= length;
        }
        MPI_Type_indexed(static_cast<int>(lengths_.size()), lengths_.data(), places_.data(),
                         MPI_DOUBLE, &type);
        MPI_Type_commit(&type);
        span_bytes = static_cast<std::size_t>(place) * 8;
    }
    void pack(unsigned char* out, const unsigned char* base) const override {
        double* to = doubles(out);
        for (std::size_t i = 0; i < lengths_.size(); ++i) {
            const double* from = doubles(base) + places_[i];
            for (int k = 0; k < lengths_[i]; ++k) *to++ = from[k];
        }
    }
    void unpack(unsigned char* base, const unsigned char* in) const override {
        const double* from = doubles(in);
        for (std::size_t i = 0; i < lengths_.size(); ++i) {
            double* to = doubles(base) + places_[i];
            for (int k = 0; k < lengths_[i]; ++k) to[k] = *from++;
        }
    }

  private:
    std::vector<int> lengths_;
    std::vector<int> places_;
};

class Struct : public Layout {
  public:
    explicit Struct(std::size_t bytes) {
        const int lengths[] = {1, 4, 1};
        const MPI_Aint places[] = {0, offsetof(Particle, cell), offsetof(Particle, charge)};
        const MPI_Datatype members[] = {MPI_DOUBLE, MPI_INT, MPI_DOUBLE};
        MPI_Type_create_struct(3, lengths, places, members, &type);
        MPI_Type_commit(&type);
        count = static_cast<int>(bytes / kPayload);
        span_bytes = static_cast<std::size_t>(count) * sizeof(Particle);
    }
    void pack(unsigned char* out, const unsigned char* base) const override {
        const auto* from = reinterpret_cast<const Particle*>(base);
        for (int i = 0; i < count; ++i, out += kPayload) {
            std::memcpy(out, &from[i].mass, 8);
            std::memcpy(out + 8, from[i].cell, 16);
            std::memcpy(out + 24, &from[i].charge, 8);
        }
    }
    void unpack(unsigned char* base, const unsigned char* in) const override {
        auto* to = reinterpret_cast<Particle*>(base);
        for (int i = 0; i < count; ++i, in += kPayload) {
            std::memcpy(&to[i].mass, in, 8);
            std::memcpy(to[i].cell, in + 8, 16);
            std::memcpy(&to[i].charge, in + 24, 8);
        }
    }

  private:
    struct Particle {
        double mass;
        double scratch[2];  // not sent
        int cell[4];
        double charge;
    };
    static constexpr std::size_t kPayload = 32;
};

// The largest power of two that divides `n` and is at most its square root: two sides of a face.
std::size_t short_side(std::size_t n) {
    std::size_t side = 1;
    while (n % (2 * side) == 0 && 4 * side * side <= n) side *= 2;
    return side;
}

// MG's exchange of faces: one layer of the inside of a grid whose border is one point wide.
class Face : public Layout {
  public:
    Face(std::size_t bytes, bool across_x) {
        const std::size_t points = bytes / 8;
        const std::size_t side = across_x ? short_side(points) : kSide;
        const std::size_t sides[] = {points / side, across_x ? side : 1, across_x ? 1 : side};
        const std::size_t whole[] = {sides[0] + 2, across_x ? side + 2 : kSide + 2, kSide + 2};
        int sizes[3], subsizes[3];
        const int starts[] = {1, 1, 1};
        for (int i = 0; i < 3; ++i) {
            sizes[i] = static_cast<int>(whole[i]);
            subsizes[i] = static_cast<int>(sides[i]);
        }
        MPI_Type_create_subarray(3, sizes, subsizes, starts, MPI_ORDER_C, MPI_DOUBLE, &type);
        MPI_Type_commit(&type);
        rows_ = sides[0];
        row_stride_ = whole[1] * whole[2];
        length_ = across_x ? side : kSide;
        stride_ = across_x ? whole[2] : 1;
        first_ = row_stride_ + whole[2] + 1;
        span_bytes = whole[0] * row_stride_ * 8;
    }
    void pack(unsigned char* out, const unsigned char* base) const override {
        double* to = doubles(out);
        for (std::size_t row = 0; row < rows_; ++row, to += length_) {
            const double* from = doubles(base) + first_ + row * row_stride_;
            if (stride_ == 1) {
                std::memcpy(to, from, length_ * 8);
            } else {
                for (std::size_t i = 0; i < length_; ++i) to[i] = from[i * stride_];
            }
        }
    }
    void unpack(unsigned char* base, const unsigned char* in) const override {
        const double* from = doubles(in);
        for (std::size_t row = 0; row < rows_; ++row, from += length_) {
            double* to = doubles(base) + first_ + row * row_stride_;
            if (stride_ == 1) {
                std::memcpy(to, from, length_ * 8);
            } else {
                for (std::size_t i = 0; i < length_; ++i) to[i * stride_] = from[i];
            }
        }
    }

  private:
    static constexpr std::size_t kSide = 32;  // of the grid where the face does not say
    std::size_t rows_;
    std::size_t row_stride_;  // in doubles, as all below
    std::size_t length_;
    std::size_t stride_;
    std::size_t first_;
};

class Transposed : public Layout {
  public:
    explicit Transposed(std::size_t bytes)
        : rows_(short_side(bytes / kElement)), columns_(bytes / kElement / rows_) {
        MPI_Datatype column = MPI_DATATYPE_NULL;
        MPI_Datatype narrow = MPI_DATATYPE_NULL;
        MPI_Type_vector(static_cast<int>(rows_), 2, static_cast<int>(2 * columns_), MPI_DOUBLE,
                        &column);
        MPI_Type_create_resized(column, 0, kElement, &narrow);
        MPI_Type_contiguous(static_cast<int>(columns_), narrow, &type);
        MPI_Type_commit(&type);
        MPI_Type_free(&narrow);
        MPI_Type_free(&column);
        span_bytes = bytes;
    }
    void pack(unsigned char* out, const unsigned char* base) const override {
        for (std::size_t column = 0; column < columns_; ++column) {
            const unsigned char* from = base + column * kElement;
            for (std::size_t row = 0; row < rows_; ++row, out += kElement) {
                std::memcpy(out, from + row * columns_ * kElement, kElement);
            }
        }
    }
    void unpack(unsigned char* base, const unsigned char* in) const override {
        for (std::size_t column = 0; column < columns_; ++column) {
            unsigned char* to = base + column * kElement;
            for (std::size_t row = 0; row < rows_; ++row, in += kElement) {
                std::memcpy(to + row * columns_ * kElement, in, kElement);
            }
        }
    }

  private:
    static constexpr std::size_t kElement = 16;  // of a complex number
    std::size_t rows_;
    std::size_t columns_;
};

struct Kind {
    const char* name;
    std::unique_ptr<Layout> (*make)(std::size_t bytes);
};

constexpr Kind kKinds[] = {
    {"vector8",
     [](std::size_t n) -> std::unique_ptr<Layout> { return std::make_unique<Vector>(n, 1); }},
    {"vector256",
     [](std::size_t n) -> std::unique_ptr<Layout> { return std::make_unique<Vector>(n, 32); }},
    {"nested",
     [](std::size_t n) -> std::unique_ptr<Layout> { return std::make_unique<Nested>(n); }},
    {"indexed",
     [](std::size_t n) -> std::unique_ptr<Layout> { return std::make_unique<Indexed>(n); }},
    {"struct",
     [](std::size_t n) -> std::unique_ptr<Layout> { return std::make_unique<Struct>(n); }},
    {"mg_x",
     [](std::size_t n) -> std::unique_ptr<Layout> { return std::make_unique<Face>(n, true); }},
    {"mg_y",
     [](std::size_t n) -> std::unique_ptr<Layout> { return std::make_unique<Face>(n, false); }},
    {"ft",
     [](std::size_t n) -> std::unique_ptr<Layout> { return std::make_unique<Transposed>(n); }},
};

// The two ways of sending and receiving one message of the layout.
struct Exchange {
    const Layout& layout;
    std::size_t bytes;
    std::vector<unsigned char> out, in, packed;

    void send(int peer, bool by_type) {
        if (by_type) {
            MPI_Send(out.data(), layout.count, layout.type, peer, kTag, MPI_COMM_WORLD);
        } else {
            layout.pack(packed.data(), out.data());
            MPI_Send(packed.data(), static_cast<int>(bytes), MPI_BYTE, peer, kTag, MPI_COMM_WORLD);
        }
    }
    void receive(int peer, bool by_type) {
        if (by_type) {
            MPI_Recv(in.data(), layout.count, layout.type, peer, kTag, MPI_COMM_WORLD,
                     MPI_STATUS_IGNORE);
        } else {
            MPI_Recv(packed.data(), static_cast<int>(bytes), MPI_BYTE, peer, kTag, MPI_COMM_WORLD,
                     MPI_STATUS_IGNORE);
            layout.unpack(in.data(), packed.data());
        }
    }
    // `in` holds the peer's data where the layout has data, and what it held before elsewhere.
    bool received(unsigned seed, unsigned char gap) const {
        std::vector<unsigned char> want(in.size(), gap), theirs(in.size()), flat(bytes);
        bench::fill(theirs, theirs.size(), seed);
        layout.pack(flat.data(), theirs.data());
        layout.unpack(want.data(), flat.data());
        return want == in;
    }
};

void run(const bench::Bench& bench, const Kind& kind, std::size_t bytes, bool by_type) {
    const std::unique_ptr<Layout> layout = kind.make(bytes);
    constexpr unsigned char kGap = 0xa5;
    const auto me = static_cast<unsigned>(bench.rank());
    Exchange exchange{*layout, bytes, {}, {}, {}};
    exchange.out.resize(layout->span_bytes);
    exchange.in.assign(layout->span_bytes, kGap);
    exchange.packed.resize(bytes);
    bench::fill(exchange.out, exchange.out.size(), me + 1);
    const int peer = 1 - bench.rank();
    bench::Sample sample = bench.measure([&](long iterations) {
        for (long i = 0; i < iterations; ++i) {
            if (me == 0) exchange.send(peer, by_type);
            exchange.receive(peer, by_type);
            if (me == 1) exchange.send(peer, by_type);
        }
    });
    bench.check(exchange.received(2 - me, kGap), "datatypes");
    sample.min_us /= 2;
    sample.median_us /= 2;
    bench.print_time(by_type ? "datatype" : "hand_pack",
                     std::string("kind=") + kind.name + " " + bench::bytes_label(bytes), sample);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Bench bench(argc, argv);
    bench.require_ranks(2);
    const std::vector<std::size_t> sizes = bench.sizes({1024, 65536, 1u << 20});
    for (const Kind& kind : kKinds) {
        for (const std::size_t size : sizes) {
            for (const bool by_type : {true, false}) {
                if (bench.wants(by_type ? "datatype" : "hand_pack")) {
                    run(bench, kind, std::max<std::size_t>(size, 256), by_type);
                }
            }
        }
    }
    return 0;
}
