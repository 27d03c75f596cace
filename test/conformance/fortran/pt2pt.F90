! Point-to-point communication from Fortran: buffers of all kinds, statuses, arrays of requests,
! positions that count from 1, probes, what is told by its address. Any number of ranks.
#include "interface.h"

program pt2pt
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer :: rank, nranks, right, left, ierr
    call MPI_Init(ierr)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
    call MPI_Comm_size(MPI_COMM_WORLD, nranks, ierr)
    right = mod(rank + 1, nranks)
    left = mod(rank + nranks - 1, nranks)
    call buffers(rank, left, right)
    call requests(rank)
    call probes(rank)
    call in_place_and_bottom(rank, nranks)
    call buffered(rank)
    call MPI_Finalize(ierr)
    call finish()
end program pt2pt

! Scalars, arrays, sections, text and derived types; a status and none.
subroutine buffers(rank, left, right)
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: rank, left, right
    type pair
        sequence
        integer :: number
        real :: weight
    end type
    type(pair) :: mine, other
    integer :: i, got, count, ierr
    real :: matrix(4, 3), row(3)
    complex(kind=8) :: z(2), w(2)
    logical :: truth
    character(len=12) :: text, heard
    STATUS(s)

    call MPI_Sendrecv(rank, 1, MPI_INTEGER, right, 7, got, 1, MPI_INTEGER, left, 7, MPI_COMM_WORLD, s, ierr)
    call check(ierr == MPI_SUCCESS .and. got == left, 'a scalar')
    call check(FIELD(s, MPI_SOURCE) == left .and. FIELD(s, MPI_TAG) == 7, 'source and tag of a status')
    call MPI_Get_count(s, MPI_INTEGER, count, ierr)
    call check(count == 1, 'MPI_Get_count')

    matrix = reshape([(real(i + 100 * rank), i = 1, 12)], [4, 3])
    call MPI_Sendrecv(matrix(2, :), 3, MPI_REAL, right, 1, row, 3, MPI_REAL, left, 1, MPI_COMM_WORLD, &
        MPI_STATUS_IGNORE, ierr)
    call check(all(row == [2., 6., 10.] + 100 * left), 'a section')
    call MPI_Sendrecv(row, 3, MPI_REAL, MPI_PROC_NULL, 1, matrix(4, 1:3), 3, MPI_REAL, MPI_PROC_NULL, 1, &
        MPI_COMM_WORLD, s, ierr)
    call check(FIELD(s, MPI_SOURCE) == MPI_PROC_NULL .and. FIELD(s, MPI_TAG) == MPI_ANY_TAG, 'MPI_PROC_NULL')

    z = [(1d0, 2d0), (3d0, 4d0)] * (rank + 1)
    call MPI_Sendrecv(z, 2, MPI_DOUBLE_COMPLEX, right, 2, w, 2, MPI_DOUBLE_COMPLEX, left, 2, MPI_COMM_WORLD, &
        MPI_STATUS_IGNORE, ierr)
    call check(all(w == [(1d0, 2d0), (3d0, 4d0)] * (left + 1)), 'complex numbers')

    write (text, '(a,i0)') ' rank ', rank
    call MPI_Sendrecv(text, 12, MPI_CHARACTER, right, 3, heard, 12, MPI_CHARACTER, left, 3, MPI_COMM_WORLD, &
        MPI_STATUS_IGNORE, ierr)
    write (text, '(a,i0)') ' rank ', left
    call check(heard == text, 'text')

    mine = pair(rank, 0.5 * rank)
    call MPI_Sendrecv(mine, 8, MPI_BYTE, right, 4, other, 8, MPI_BYTE, left, 4, MPI_COMM_WORLD, &
        MPI_STATUS_IGNORE, ierr)
    call check(other%number == left .and. other%weight == 0.5 * left, 'a derived type')

    call MPI_Allreduce(rank >= 0, truth, 1, MPI_LOGICAL, MPI_LAND, MPI_COMM_WORLD, ierr)
    call check(truth .eqv. .true., 'a LOGICAL')
end subroutine buffers

! Arrays of requests of every length that the glue treats differently, and positions.
subroutine requests(rank)
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: rank
    integer, parameter :: many = 150
    HANDLE(Request) :: r(many), one
    STATUSES(s, many)
    STATUS(single)
    integer :: i, index, done, ierr, out(many), in(many), indices(many)
    logical :: flag, seen(many)

    do i = 1, many
        out(i) = 10 * i + rank
        call MPI_Irecv(in(i), 1, MPI_INTEGER, rank, i, MPI_COMM_WORLD, r(i), ierr)
    end do
    call MPI_Testall(many, r, flag, s, ierr)
    call check(.not. flag, 'MPI_Testall before the messages')
    call MPI_Testany(many, r, index, flag, single, ierr)
    call check(.not. flag .and. index == MPI_UNDEFINED, 'MPI_Testany before the messages')
    do i = 1, many
        call MPI_Send(out(i), 1, MPI_INTEGER, rank, i, MPI_COMM_WORLD, ierr)
    end do
    call MPI_Waitall(many, r, s, ierr)
    call check(all(in == out), 'MPI_Waitall: data')
    call check(all(r == MPI_REQUEST_NULL), 'MPI_Waitall: requests become null')
    call check(all([(FIELD_OF(s, i, MPI_TAG) == i, i = 1, many)]), 'MPI_Waitall: statuses')

    call MPI_Irecv(in(2), 1, MPI_INTEGER, rank, 2, MPI_COMM_WORLD, r(2), ierr)
    call MPI_Send(out(3), 1, MPI_INTEGER, rank, 2, MPI_COMM_WORLD, ierr)
    call MPI_Waitany(3, r, index, single, ierr)
    call check(index == 2 .and. FIELD(single, MPI_TAG) == 2 .and. in(2) == out(3), 'MPI_Waitany counts from 1')
    call MPI_Waitany(3, r, index, MPI_STATUS_IGNORE, ierr)
    call check(index == MPI_UNDEFINED, 'MPI_Waitany without active requests')

    seen = .false.
    do i = 1, 5
        call MPI_Irecv(in(i), 1, MPI_INTEGER, rank, i, MPI_COMM_WORLD, r(i), ierr)
        call MPI_Isend(out(i), 1, MPI_INTEGER, rank, i, MPI_COMM_WORLD, r(i + 5), ierr)
    end do
    do while (.not. all(seen(1:10)))
        call MPI_Waitsome(10, r, done, indices, MPI_STATUSES_IGNORE, ierr)
        call check(all(indices(1:done) >= 1 .and. indices(1:done) <= 10), 'MPI_Waitsome counts from 1')
        seen(indices(1:done)) = .true.
    end do
    call MPI_Testsome(10, r, done, indices, s, ierr)
    call check(done == MPI_UNDEFINED, 'MPI_Testsome without active requests')

    call MPI_Recv_init(in(1), 1, MPI_INTEGER, rank, 1, MPI_COMM_WORLD, r(1), ierr)
    call MPI_Send_init(out(5), 1, MPI_INTEGER, rank, 1, MPI_COMM_WORLD, r(2), ierr)
    call MPI_Startall(2, r, ierr)
    call MPI_Waitall(2, r, MPI_STATUSES_IGNORE, ierr)
    call check(in(1) == out(5) .and. r(1) /= MPI_REQUEST_NULL, 'persistent requests stay')
    call MPI_Request_free(r(1), ierr)
    call MPI_Request_free(r(2), ierr)
    call check(r(2) == MPI_REQUEST_NULL, 'MPI_Request_free')

    call MPI_Irecv(in(1), 1, MPI_INTEGER, rank, 99, MPI_COMM_WORLD, one, ierr)
    call MPI_Cancel(one, ierr)
    call MPI_Wait(one, single, ierr)
    call MPI_Test_cancelled(single, flag, ierr)
    call check(flag, 'MPI_Cancel')
    call MPI_Test(one, flag, single, ierr)
    call check(flag .and. FIELD(single, MPI_SOURCE) == MPI_ANY_SOURCE, 'an empty status')
end subroutine requests

subroutine probes(rank)
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: rank
    HANDLE(Request) :: r
    HANDLE(Message) :: m
    STATUS(s)
    integer :: n, ierr, out(3), in(3)
    logical :: flag
    out = [1, 2, 3] + rank
    call MPI_Iprobe(rank, 5, MPI_COMM_WORLD, flag, s, ierr)
    call check(.not. flag, 'MPI_Iprobe before')
    call MPI_Isend(out, 3, MPI_INTEGER, rank, 5, MPI_COMM_WORLD, r, ierr)
    call MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, s, ierr)
    call MPI_Get_elements(s, MPI_INTEGER, n, ierr)
    call check(n == 3 .and. FIELD(s, MPI_SOURCE) == rank .and. FIELD(s, MPI_TAG) == 5, 'MPI_Probe')
    call MPI_Mprobe(rank, 5, MPI_COMM_WORLD, m, s, ierr)
    call check(m /= MPI_MESSAGE_NULL, 'MPI_Mprobe')
    call MPI_Mrecv(in, 3, MPI_INTEGER, m, s, ierr)
    call check(m == MPI_MESSAGE_NULL .and. all(in == out), 'MPI_Mrecv')
    call MPI_Wait(r, MPI_STATUS_IGNORE, ierr)
    call MPI_Status_set_elements(s, MPI_INTEGER, 17, ierr)
    call MPI_Status_set_cancelled(s, .true., ierr)
    call MPI_Get_count(s, MPI_INTEGER, n, ierr)
    call MPI_Test_cancelled(s, flag, ierr)
    call check(n == 17 .and. flag, 'MPI_Status_set_elements and set_cancelled')
end subroutine probes

subroutine in_place_and_bottom(rank, nranks)
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: rank, nranks
    integer :: sum, i, ierr, there(2)
    integer :: all_of_them(0:nranks - 1)
    integer(kind=MPI_ADDRESS_KIND) :: where(2)
    HANDLE(Datatype) :: t
    sum = rank
    call MPI_Allreduce(MPI_IN_PLACE, sum, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, ierr)
    call check(sum == nranks * (nranks - 1) / 2, 'MPI_IN_PLACE of MPI_Allreduce')
    all_of_them = -1
    all_of_them(rank) = rank
    call MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all_of_them, 1, MPI_INTEGER, MPI_COMM_WORLD, ierr)
    call check(all(all_of_them == [(i, i = 0, nranks - 1)]), 'MPI_IN_PLACE of MPI_Allgather')

    there = [5, 6]
    call MPI_Get_address(there(1), where(1), ierr)
    call MPI_Get_address(sum, where(2), ierr)
    call MPI_Type_create_hindexed(2, [2, 1], where, MPI_INTEGER, t, ierr)
    call MPI_Type_commit(t, ierr)
    if (rank /= 0) there = 0
    if (rank /= 0) sum = 0
    call MPI_F_sync_reg(there)
    call MPI_F_sync_reg(sum)
    call MPI_Bcast(MPI_BOTTOM, 1, t, 0, MPI_COMM_WORLD, ierr)
    call MPI_F_sync_reg(there)
    call MPI_F_sync_reg(sum)
    call MPI_Type_free(t, ierr)
    call check(t == MPI_DATATYPE_NULL, 'MPI_Type_free')
    call MPI_Get_address(MPI_BOTTOM, where(1), ierr)
    call check(where(1) == 0, 'the address of MPI_BOTTOM')
    call check(all(there == [5, 6]) .and. sum == nranks * (nranks - 1) / 2, 'MPI_BOTTOM')
end subroutine in_place_and_bottom

subroutine buffered(rank)
    USE_MPI
    use, intrinsic :: iso_c_binding
    use check_module
    implicit none
    INCLUDE_MPI
    integer, intent(in) :: rank
    integer, parameter :: bytes = 100 + MPI_BSEND_OVERHEAD
    character(len=1), target, save :: space(bytes)
    integer :: in, size, ierr
#if INTERFACE == 2
    type(C_PTR) :: where
#else
    integer :: where
    where = -1
#endif
    call MPI_Buffer_attach(space, bytes, ierr)
    call MPI_Bsend(rank, 1, MPI_INTEGER, rank, 1, MPI_COMM_WORLD, ierr)
    call MPI_Recv(in, 1, MPI_INTEGER, rank, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE, ierr)
    call MPI_Buffer_detach(where, size, ierr)
    call check(in == rank .and. size == bytes, 'MPI_Buffer_detach')
#if INTERFACE == 2
    call check(c_associated(where, c_loc(space)), 'the address from MPI_Buffer_detach')
#else
    call check(where == -1, 'MPI_Buffer_detach leaves its first argument alone')
#endif
end subroutine buffered
