! Datatypes, groups, communicators, topologies and collectives from Fortran: arrays of numbers, of truth
! values and of handles.
#include "interface.h"

program types
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer :: rank, nranks, ierr
    call MPI_Init(ierr)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
    call MPI_Comm_size(MPI_COMM_WORLD, nranks, ierr)
    call datatypes()
    call packing()
    call groups(nranks)
    call communicators(rank, nranks)
    call grids(nranks)
    call graphs(nranks)
    call vectors(rank, nranks)
    call typed_alltoall(rank, nranks)
    call clock()
    call MPI_Finalize(ierr)
    call finish()
end program types

subroutine datatypes()
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    HANDLE(Datatype) :: t, u, parts(2)
    integer :: size, ni, na, nd, combiner, ierr, integers(10)
    integer(kind=MPI_ADDRESS_KIND) :: lb, extent, addresses(10)
    integer :: from(6), to(6)

    call MPI_Type_vector(3, 1, 2, MPI_INTEGER, t, ierr)
    call MPI_Type_commit(t, ierr)
    call MPI_Type_size(t, size, ierr)
    call MPI_Type_get_extent(t, lb, extent, ierr)
    call check(size == 12 .and. lb == 0 .and. extent == 20, 'MPI_Type_vector')
    from = [1, 2, 3, 4, 5, 6]
    to = 0
    call MPI_Sendrecv(from, 1, t, 0, 0, to, 1, t, 0, 0, MPI_COMM_SELF, MPI_STATUS_IGNORE, ierr)
    call check(all(to == [1, 0, 3, 0, 5, 0]), 'a strided type')

    call MPI_Type_create_struct(2, [1, 2], [0_MPI_ADDRESS_KIND, 16_MPI_ADDRESS_KIND], [MPI_DOUBLE_PRECISION, t], &
        u, ierr)
    call MPI_Type_get_envelope(u, ni, na, nd, combiner, ierr)
    call check(combiner == MPI_COMBINER_STRUCT .and. ni == 3 .and. na == 2 .and. nd == 2, 'MPI_Type_get_envelope')
    call MPI_Type_get_contents(u, 10, 10, 2, integers, addresses, parts, ierr)
    call check(all(integers(1:3) == [2, 1, 2]) .and. all(addresses(1:2) == [0, 16]), 'contents: numbers')
    call check(parts(1) == MPI_DOUBLE_PRECISION .and. parts(2) /= MPI_DATATYPE_NULL, 'contents: datatypes')
    call MPI_Type_size(parts(2), size, ierr)
    call check(size == 12, 'a datatype of the contents')
    call MPI_Type_free(parts(2), ierr)
    call MPI_Type_free(u, ierr)
    call MPI_Type_free(t, ierr)

    call MPI_Type_create_f90_real(12, 100, t, ierr)
    call MPI_Type_size(t, size, ierr)
    call check(size == 8, 'MPI_Type_create_f90_real')
    call MPI_Type_match_size(MPI_TYPECLASS_COMPLEX, 16, t, ierr)
    call MPI_Type_size(t, size, ierr)
    call check(size == 16, 'MPI_Type_match_size')
    call MPI_Type_size(MPI_LOGICAL, size, ierr)
    call check(size == storage_size(.true.) / 8, 'MPI_LOGICAL')
end subroutine datatypes

subroutine packing()
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    character(len=1) :: space(100)
    integer :: position, size, i, ierr
    real :: x(2)
    call MPI_Pack_size(2, MPI_REAL, MPI_COMM_SELF, size, ierr)
    call check(size >= 8, 'MPI_Pack_size')
    position = 0
    call MPI_Pack(17, 1, MPI_INTEGER, space, 100, position, MPI_COMM_SELF, ierr)
    call MPI_Pack([1.5, 2.5], 2, MPI_REAL, space, 100, position, MPI_COMM_SELF, ierr)
    size = position
    position = 0
    call MPI_Unpack(space, size, position, i, 1, MPI_INTEGER, MPI_COMM_SELF, ierr)
    call MPI_Unpack(space, size, position, x, 2, MPI_REAL, MPI_COMM_SELF, ierr)
    call check(i == 17 .and. all(x == [1.5, 2.5]) .and. position == size, 'MPI_Pack and MPI_Unpack')
end subroutine packing

subroutine groups(nranks)
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: nranks
    HANDLE(Group) :: world, some
    integer :: n, result, ierr, ranges(3, 1), there(2)
    call MPI_Comm_group(MPI_COMM_WORLD, world, ierr)
    ranges(:, 1) = [nranks - 1, 0, -1]
    call MPI_Group_range_incl(world, 1, ranges, some, ierr)
    call MPI_Group_size(some, n, ierr)
    call check(n == nranks, 'MPI_Group_range_incl')
    call MPI_Group_translate_ranks(some, 2, [0, MPI_PROC_NULL], world, there, ierr)
    call check(all(there == [nranks - 1, MPI_PROC_NULL]), 'MPI_Group_translate_ranks')
    call MPI_Group_compare(world, some, result, ierr)
    call check(result == merge(MPI_IDENT, MPI_SIMILAR, nranks == 1), 'MPI_Group_compare')
    call MPI_Group_free(some, ierr)
    call MPI_Group_excl(world, nranks, [(n, n = 0, nranks - 1)], some, ierr)
    call check(some == MPI_GROUP_EMPTY, 'MPI_GROUP_EMPTY')
    call MPI_Group_free(world, ierr)
    call check(world == MPI_GROUP_NULL, 'MPI_Group_free')
end subroutine groups

subroutine communicators(rank, nranks)
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: rank, nranks
    HANDLE(Comm) :: half, inter, merged
    integer :: n, remote, result, ierr, leader
    logical :: flag
    call MPI_Comm_split(MPI_COMM_WORLD, MPI_UNDEFINED, 0, half, ierr)
    call check(half == MPI_COMM_NULL, 'MPI_Comm_split without a colour')
    call MPI_Comm_split(MPI_COMM_WORLD, mod(rank, 2), rank, half, ierr)
    call MPI_Comm_size(half, n, ierr)
    call check(n == (nranks + 1 - mod(rank, 2)) / 2, 'MPI_Comm_split')
    call MPI_Comm_compare(half, MPI_COMM_WORLD, result, ierr)
    call MPI_Comm_test_inter(half, flag, ierr)
    call check(.not. flag, 'MPI_Comm_test_inter of an intracommunicator')
    if (nranks > 1) then
        leader = merge(1, 0, mod(rank, 2) == 0)
        call MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, leader, 3, inter, ierr)
        call MPI_Comm_test_inter(inter, flag, ierr)
        call MPI_Comm_remote_size(inter, remote, ierr)
        call check(flag .and. remote == nranks - n, 'MPI_Intercomm_create')
        call MPI_Intercomm_merge(inter, mod(rank, 2) == 1, merged, ierr)
        call MPI_Comm_rank(merged, result, ierr)
        call check((result >= (nranks + 1) / 2) .eqv. (mod(rank, 2) == 1), 'MPI_Intercomm_merge: who is high')
        call MPI_Comm_free(merged, ierr)
        call MPI_Comm_free(inter, ierr)
    end if
    call MPI_Comm_free(half, ierr)
end subroutine communicators

subroutine grids(nranks)
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: nranks
    HANDLE(Comm) :: grid, row
    integer :: kind, ndims, rank, from, to, ierr, dims(2), coords(2), got(2)
    logical :: periods(2), found(3)
    dims = [0, 1]
    call MPI_Dims_create(nranks, 2, dims, ierr)
    call check(all(dims == [nranks, 1]), 'MPI_Dims_create keeps what is given')
    periods = [.true., .false.]
    call MPI_Cart_create(MPI_COMM_WORLD, 2, dims, periods, .false., grid, ierr)
    call MPI_Topo_test(grid, kind, ierr)
    call MPI_Cartdim_get(grid, ndims, ierr)
    call check(kind == MPI_CART .and. ndims == 2, 'MPI_Cart_create')
    found = .true.
    call MPI_Cart_get(grid, 2, got, found, coords, ierr)
    call check(all(got == dims) .and. all(found(1:2) .eqv. periods), 'MPI_Cart_get')
    call check(found(3) .eqv. .true., 'MPI_Cart_get writes no more than it should')
    call MPI_Comm_rank(grid, rank, ierr)
    call MPI_Cart_shift(grid, 0, 1, from, to, ierr)
    call check(to == mod(rank + 1, nranks), 'MPI_Cart_shift round')
    call MPI_Cart_shift(grid, 1, 1, from, to, ierr)
    call check(from == MPI_PROC_NULL .and. to == MPI_PROC_NULL, 'MPI_Cart_shift over the edge')
    call MPI_Cart_rank(grid, [coords(1) + nranks, 0], to, ierr)
    call check(to == rank, 'MPI_Cart_rank')
    call MPI_Cart_sub(grid, [.false., .true.], row, ierr)
    call MPI_Comm_size(row, ndims, ierr)
    call check(ndims == 1, 'MPI_Cart_sub')
    call MPI_Comm_free(row, ierr)
    call MPI_Comm_free(grid, ierr)
end subroutine grids

subroutine graphs(nranks)
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: nranks
    HANDLE(Comm) :: ring
    integer :: i, n, nodes, edges, rank, ierr, next(1)
    call MPI_Graph_create(MPI_COMM_WORLD, nranks, [(i, i = 1, nranks)], [(mod(i, nranks), i = 1, nranks)], &
        .false., ring, ierr)
    call MPI_Graphdims_get(ring, nodes, edges, ierr)
    call MPI_Comm_rank(ring, rank, ierr)
    call MPI_Graph_neighbors_count(ring, rank, n, ierr)
    call MPI_Graph_neighbors(ring, rank, 1, next, ierr)
    call check(nodes == nranks .and. edges == nranks .and. n == 1 .and. next(1) == mod(rank + 1, nranks), &
        'MPI_Graph_create')
    call MPI_Comm_free(ring, ierr)
end subroutine graphs

subroutine vectors(rank, nranks)
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: rank, nranks
    HANDLE(Request) :: r
    integer :: i, total, ierr, counts(0:nranks - 1), places(0:nranks - 1)
    integer :: pieces(nranks * (nranks + 1) / 2), mine(rank + 1)
    double precision :: x(2)
    counts = [(i + 1, i = 0, nranks - 1)]
    places = [(i * (i + 1) / 2, i = 0, nranks - 1)]
    mine = rank
    call MPI_Allgatherv(mine, rank + 1, MPI_INTEGER, pieces, counts, places, MPI_INTEGER, MPI_COMM_WORLD, ierr)
    call check(all([(all(pieces(places(i) + 1:places(i) + i + 1) == i), i = 0, nranks - 1)]), 'MPI_Allgatherv')
    total = -1
    call MPI_Exscan(rank + 1, total, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, ierr)
    call check(rank == 0 .or. total == rank * (rank + 1) / 2, 'MPI_Exscan')
    x = [dble(mod(7 * rank, nranks)), dble(rank)]
    call MPI_Allreduce(MPI_IN_PLACE, x, 1, MPI_2DOUBLE_PRECISION, MPI_MAXLOC, MPI_COMM_WORLD, ierr)
    call check(mod(7 * nint(x(2)), nranks) == nint(x(1)), 'MPI_MAXLOC')
    call MPI_Ibarrier(MPI_COMM_WORLD, r, ierr)
    call MPI_Wait(r, MPI_STATUS_IGNORE, ierr)
    call MPI_Iallreduce(rank, total, 1, MPI_INTEGER, MPI_MAX, MPI_COMM_WORLD, r, ierr)
    call MPI_Wait(r, MPI_STATUS_IGNORE, ierr)
    call check(r == MPI_REQUEST_NULL .and. total > nranks - 2, 'MPI_Iallreduce')
end subroutine vectors

! Arrays of datatypes as long as there are processes.
subroutine typed_alltoall(rank, nranks)
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: rank, nranks
    HANDLE(Datatype) :: send_types(nranks), recv_types(nranks)
    HANDLE(Request) :: r
    HANDLE(Comm) :: copy, ring
    integer :: from(2)
    integer :: i, ierr, ones(nranks), places(nranks), out(nranks), in(nranks)
    ones = 1
    places = [(4 * i, i = 0, nranks - 1)]
    out = [(100 * rank + i, i = 0, nranks - 1)]
    in = -1
    send_types = MPI_INTEGER
    recv_types = MPI_INTEGER
    call MPI_Alltoallw(out, ones, places, send_types, in, ones, places, recv_types, MPI_COMM_WORLD, ierr)
    call check(all(in == [(100 * i + rank, i = 0, nranks - 1)]), 'MPI_Alltoallw')

    in = -1
    call MPI_Ialltoallw(out, ones, places, send_types, in, ones, places, recv_types, MPI_COMM_WORLD, r, ierr)
    send_types = MPI_DATATYPE_NULL
    call MPI_F_sync_reg(in)
    call MPI_Wait(r, MPI_STATUS_IGNORE, ierr)
    call MPI_F_sync_reg(in)
    call check(all(in == [(100 * i + rank, i = 0, nranks - 1)]), 'MPI_Ialltoallw')

    call MPI_Comm_idup(MPI_COMM_WORLD, copy, r, ierr)
    call MPI_Wait(r, MPI_STATUS_IGNORE, ierr)
    call MPI_Cart_create(copy, 1, [nranks], [.true.], .false., ring, ierr)
    call MPI_Neighbor_alltoallw([rank, -rank], [1, 1], [0_MPI_ADDRESS_KIND, 4_MPI_ADDRESS_KIND], &
        [MPI_INTEGER, MPI_INTEGER], from, [1, 1], [0_MPI_ADDRESS_KIND, 4_MPI_ADDRESS_KIND], &
        [MPI_INTEGER, MPI_INTEGER], ring, ierr)
    if (nranks > 2) call check(all(from == [-mod(rank + nranks - 1, nranks), mod(rank + 1, nranks)]), &
        'MPI_Neighbor_alltoallw')
    call MPI_Comm_free(ring, ierr)
    call MPI_Comm_free(copy, ierr)
end subroutine typed_alltoall

subroutine clock()
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    double precision :: start, tick
    start = MPI_Wtime()
    tick = MPI_Wtick()
    call check(MPI_Wtime() >= start .and. tick > 0 .and. tick < 1, 'MPI_Wtime and MPI_Wtick')
end subroutine clock
