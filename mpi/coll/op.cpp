// Reduction operations as objects: the predefined ones, and those that users make.

#include <algorithm>
#include <array>
#include <climits>
#include <iterator>

#include "bodies.hpp"
#include "mpi/coll/op_kernels.hpp"
#include "mpi/core/error.hpp"

namespace mpi {
namespace {

template <class... Categories>
constexpr std::uint16_t mask(Categories... categories) {
    return static_cast<std::uint16_t>((0U | ... | (1U << static_cast<unsigned>(categories))));
}

// Which operation is defined on what (MPI-5.0 §6.9.2 and §6.9.4).
using enum Category;
constexpr std::uint16_t kOrdered = mask(c_integer, fortran_integer, floating, multi_language);
constexpr std::uint16_t kNumbers = kOrdered | mask(complex);
constexpr std::uint16_t kBits = mask(c_integer, fortran_integer, byte, multi_language);
constexpr std::uint16_t kLogicals = mask(c_integer, logical, multi_language);
constexpr std::uint16_t kPairs = mask(pair);

struct Row {
    MPI_Op handle;
    std::uint16_t categories;
    const reduction::Kernels* kernels;
};

const Row kRows[] = {
    {MPI_SUM, kNumbers, &reduction::kSum},
    {MPI_PROD, kNumbers, &reduction::kProd},
    {MPI_MIN, kOrdered, &reduction::kMin},
    {MPI_MAX, kOrdered, &reduction::kMax},
    {MPI_BAND, kBits, &reduction::kBand},
    {MPI_BOR, kBits, &reduction::kBor},
    {MPI_BXOR, kBits, &reduction::kBxor},
    {MPI_LAND, kLogicals, &reduction::kLand},
    {MPI_LOR, kLogicals, &reduction::kLor},
    {MPI_LXOR, kLogicals, &reduction::kLxor},
    {MPI_MINLOC, kPairs, &reduction::kMinloc},
    {MPI_MAXLOC, kPairs, &reduction::kMaxloc},
    // For accumulates of one-sided communication alone: no reduction accepts them.
    {MPI_REPLACE, 0, nullptr},
    {MPI_NO_OP, 0, nullptr},
};

const std::byte* advance(const void* from, Count elements, const Datatype& type) {
    return static_cast<const std::byte*>(from) + elements * type.extent;
}

}  // namespace

void Op::apply_user(const void* in, void* inout, Count count, const Datatype& type) const {
    auto handle = handle_of<MPI_Datatype>(type);
    void* from = const_cast<void*>(in);
    if (function_c != nullptr) {
        function_c(from, inout, &count, &handle);
        return;
    }
    while (count > 0) {
        const Count chunk = std::min<Count>(count, INT_MAX);
        int length = static_cast<int>(chunk);
        function(from, inout, &length, &handle);
        count -= chunk;
        if (count == 0) return;
        from = const_cast<std::byte*>(advance(from, chunk, type));
        inout = const_cast<std::byte*>(advance(inout, chunk, type));
    }
}

void release(Op* op) {
    if (op->predefined || --op->refs != 0) return;
    table<Op>().destroy(op);
}

void predefine_ops() {
    static std::array<Op, std::size(kRows)> ops;
    for (std::size_t i = 0; i < ops.size(); ++i) {
        ops[i].predefined = true;
        ops[i].categories = kRows[i].categories;
        ops[i].kernels = kRows[i].kernels != nullptr ? kRows[i].kernels->data() : nullptr;
        const auto id = static_cast<Id>(reinterpret_cast<std::uintptr_t>(kRows[i].handle));
        table<Op>().predefine(id, &ops[i]);
    }
}

Status op_create(UserFunction user_fn, int commute, Op*& op) {
    op = table<Op>().create();
    if (op == nullptr) return fail(Status::no_mem, "no memory for an operation");
    op->function = user_fn.plain;
    op->function_c = user_fn.large;
    op->commutative = commute != 0;
    return Status::ok;
}

Status op_commutative(Op& op, int& commute) {
    commute = op.commutative ? 1 : 0;
    return Status::ok;
}

Status reduce_local(const void* inbuf, void* inoutbuf, Count count, Datatype& datatype, Op& op) {
    if (count != 0 && datatype.size != 0) op.apply(inbuf, inoutbuf, count, datatype);
    return Status::ok;
}

Status op_free(Op& op) {
    table<Op>().retire(&op);
    release(&op);
    return Status::ok;
}

}  // namespace mpi
