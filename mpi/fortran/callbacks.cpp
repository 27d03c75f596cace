// Generalized requests. Their functions have other arguments in Fortran, so C is given functions of
// the glue, which call the program's. Functions of reductions and error handlers need none: what C
// passes by address begins, on a little-endian machine, with the INTEGER that Fortran expects.
#include "mpi/fortran/glue.hpp"

using namespace fortran;

namespace {

struct Grequest {
    void (*query)(Faint* extra_state, MPI_Status* status, Fint* ierror);
    void (*free)(Faint* extra_state, Fint* ierror);
    void (*cancel)(Faint* extra_state, Fint* complete, Fint* ierror);
    Faint* extra_state;  // the program's own variable, which the functions may change
};

int query(void* extra_state, MPI_Status* status) {
    auto& its = *static_cast<Grequest*>(extra_state);
    Fint ierror = MPI_SUCCESS;
    its.query(its.extra_state, status, &ierror);
    return ierror;
}

int cancel(void* extra_state, int complete) {
    auto& its = *static_cast<Grequest*>(extra_state);
    Fint ierror = MPI_SUCCESS;
    Fint flag = logical(complete);
    its.cancel(its.extra_state, &flag, &ierror);
    return ierror;
}

/// The last call for a request.
int release(void* extra_state) {
    const std::unique_ptr<Grequest> its(static_cast<Grequest*>(extra_state));
    Fint ierror = MPI_SUCCESS;
    its->free(its->extra_state, &ierror);
    return ierror;
}

}  // namespace

#define GREQUEST_START(symbol, call)                                                             \
    FORTRAN void symbol##_(decltype(Grequest::query) query_fn, decltype(Grequest::free) free_fn, \
                           decltype(Grequest::cancel) cancel_fn, Faint* extra_state,             \
                           Fint* request, Fint* ierror) {                                        \
        auto its =                                                                               \
            std::make_unique<Grequest>(Grequest{query_fn, free_fn, cancel_fn, extra_state});     \
        HandleOut<MPI_Request> request_c(request);                                               \
        const int outcome = call(query, release, cancel, its.get(), request_c);                  \
        if (outcome == MPI_SUCCESS) its.release();                                               \
        finish(ierror, outcome);                                                                 \
    }                                                                                            \
    ALIAS decltype(symbol##_) symbol##_f08_ __attribute__((alias(#symbol "_")));

GREQUEST_START(mpi_grequest_start, MPI_Grequest_start)
GREQUEST_START(pmpi_grequest_start, PMPI_Grequest_start)
