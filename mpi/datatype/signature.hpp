// The type signature of data (MPI-5.0 §5.1): which basic elements follow each other in packed
// order.
#pragma once

#include <vector>

#include "mpi/core/datatype.hpp"

namespace mpi {

/// Walks the signature of `count` elements of a datatype. It reads the constructor calls, so that
/// it needs as much memory as they are nested, whatever the counts.
class Signature {
  public:
    Signature(const Datatype& type, Count count) { enter(type, count); }

    /// `count` elements of the predefined type `basic`; a pair is one element here.
    struct Run {
        const Datatype* basic = nullptr;
        Count count = 0;
    };
    /// The next run; null and 0 at the end.
    Run next();

  private:
    /// `count` elements of a struct, of which `part` is the next part to be entered.
    struct Frame {
        const Datatype* type;
        Count count;
        std::size_t part;
    };
    void enter(const Datatype& type, Count count);

    std::vector<Frame> open_;
    Run run_;
};

}  // namespace mpi
