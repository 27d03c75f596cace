! What mpi_f08 alone has: error codes left out, variants for large counts under the same name, addresses as
! TYPE(C_PTR), conversions of statuses, handles that are compared and copied as any object.

module operation
    use mpi_f08
    use, intrinsic :: iso_c_binding
    implicit none
contains
    subroutine largest(invec, inoutvec, len, datatype)
        type(C_PTR), value :: invec, inoutvec
        integer(kind=MPI_COUNT_KIND) :: len
        type(MPI_Datatype) :: datatype
        double precision, pointer :: a(:), b(:)
        if (datatype /= MPI_DOUBLE_PRECISION) return
        call c_f_pointer(invec, a, [len])
        call c_f_pointer(inoutvec, b, [len])
        b = max(a, b)
    end subroutine largest
end module operation

program modern
    use mpi_f08
    use, intrinsic :: iso_c_binding
    use check_module
    use operation
    implicit none
    integer :: rank, nranks, ierr, bytes, legacy(MPI_STATUS_SIZE)
    integer(kind=MPI_COUNT_KIND) :: count, position
    integer(kind=MPI_ADDRESS_KIND) :: lb, extent
    integer :: in(4)
    double precision :: x(2)
    type(MPI_Status) :: s
    type(MPI_Comm) :: world
    type(MPI_Op) :: op
    type(MPI_Datatype) :: t
    type(MPI_Request) :: r(2)
    type(C_PTR) :: memory
    class(*), allocatable :: anything
    integer, pointer :: numbers(:)

    call MPI_Init()
    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    call MPI_Comm_size(MPI_COMM_WORLD, nranks)

    count = 4
    in = -1
    call MPI_Isend([1, 2, 3, 4] * rank, count, MPI_INTEGER, rank, 5, MPI_COMM_WORLD, r(1))
    call MPI_Irecv(in, count, MPI_INTEGER, rank, 5, MPI_COMM_WORLD, r(2))
    call MPI_Waitall(2, r, MPI_STATUSES_IGNORE)
    call MPI_Sendrecv(rank, 1_MPI_COUNT_KIND, MPI_INTEGER, rank, 1, in(1), 1_MPI_COUNT_KIND, MPI_INTEGER, rank, 1, &
        MPI_COMM_WORLD, s)
    call MPI_Get_count(s, MPI_INTEGER, count)
    call check(count == 1 .and. in(1) == rank, 'large counts in messages')
    call MPI_Type_contiguous(2_MPI_COUNT_KIND**33, MPI_BYTE, t)
    call MPI_Type_size(t, count)
    call MPI_Type_size(t, bytes)
    call check(count == 2_MPI_COUNT_KIND**33 .and. bytes == MPI_UNDEFINED, 'a large datatype')
    call MPI_Type_get_extent(t, lb, extent)
    call check(extent == count, 'its extent')
    call MPI_Type_free(t)

    call MPI_Op_create_c(largest, .true., op)
    x = [rank, -rank]
    call MPI_Allreduce(MPI_IN_PLACE, x, 2_MPI_COUNT_KIND, MPI_DOUBLE_PRECISION, op, MPI_COMM_WORLD)
    call check(all(x == [nranks - 1, 0]), 'MPI_Op_create_c')
    call MPI_Op_free(op)

    s%MPI_SOURCE = 11
    s%MPI_TAG = 12
    s%MPI_ERROR = 13
    call MPI_Status_f082f(s, legacy)
    s%MPI_TAG = 0
    call check(legacy(2) == 12, 'MPI_Status_f082f')
    call MPI_Status_f2f08(legacy, s, ierr)
    call check(s%MPI_SOURCE == 11 .and. s%MPI_TAG == 12 .and. s%MPI_ERROR == 13 .and. ierr == MPI_SUCCESS, &
        'MPI_Status_f2f08')
    call check(storage_size(s) == 256 .and. c_sizeof(s) == 32, 'the size of a status')

    world = MPI_COMM_WORLD
    call check(world == MPI_COMM_WORLD .and. .not. world /= MPI_COMM_WORLD, 'handles are compared')
    call check(all([MPI_COMM_SELF, world] == [MPI_COMM_WORLD, world] .eqv. [.false., .true.]), 'and arrays of them')
    call check(world%MPI_VAL == 257, 'MPI_VAL')
    allocate (anything, source=world)
    call check(storage_size(anything) == 32, 'a handle as CLASS(*)')

    call MPI_Alloc_mem(40_MPI_ADDRESS_KIND, MPI_INFO_NULL, memory)
    call c_f_pointer(memory, numbers, [10])
    numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    call check(sum(numbers) == 55, 'MPI_Alloc_mem')
    call MPI_Free_mem(numbers, ierr)
    call check(ierr == MPI_SUCCESS, 'MPI_Free_mem')

    call MPI_Buffer_attach(MPI_BUFFER_AUTOMATIC, 0)
    call MPI_Bsend(rank, 1, MPI_INTEGER, rank, 2, MPI_COMM_WORLD)
    call MPI_Recv(in, 1, MPI_INTEGER, rank, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE)
    call MPI_Buffer_detach(memory, bytes)
    call MPI_Get_address(MPI_BUFFER_AUTOMATIC, extent)
    call check(in(1) == rank .and. c_associated(memory), 'MPI_BUFFER_AUTOMATIC')

    position = 0
    call MPI_Pack(rank, 1_MPI_COUNT_KIND, MPI_INTEGER, in, 16_MPI_COUNT_KIND, position, MPI_COMM_SELF)
    call check(position == 4, 'MPI_Pack with large counts')
    lb = 100
    extent = MPI_Aint_diff(lb, 1_MPI_ADDRESS_KIND)
    call check(MPI_Aint_add(lb, -40_MPI_ADDRESS_KIND) == 60 .and. extent == 99, &
        'MPI_Aint_add and MPI_Aint_diff')
    call MPI_Sizeof(x, bytes, ierr)
    call check(bytes == 8, 'MPI_Sizeof')
    call PMPI_Comm_size(MPI_COMM_SELF, bytes)
    call check(bytes == 1, 'PMPI_Comm_size')
    call MPI_Finalize(ierr)
    call check(ierr == MPI_SUCCESS, 'MPI_Finalize')
    call finish()
end program modern
