! The Fortran half of mixed.cpp.
module mixed
    use mpi_f08
    use, intrinsic :: iso_c_binding
    implicit none
    integer :: copied = 0, deleted = 0
    interface
        function ignored(status) bind(C)
            import
            type(MPI_Status) :: status
            integer(C_INT) :: ignored
        end function
    end interface
contains
    subroutine copy(oldcomm, comm_keyval, extra_state, attribute_val_in, attribute_val_out, flag, ierror)
        type(MPI_Comm) :: oldcomm
        integer :: comm_keyval, ierror
        integer(kind=MPI_ADDRESS_KIND) :: extra_state, attribute_val_in, attribute_val_out
        logical :: flag
        copied = copied + 1
        attribute_val_out = attribute_val_in + extra_state
        flag = oldcomm /= MPI_COMM_NULL .and. comm_keyval /= MPI_KEYVAL_INVALID
        ierror = MPI_SUCCESS
    end subroutine copy

    subroutine remove(comm, comm_keyval, attribute_val, extra_state, ierror)
        type(MPI_Comm) :: comm
        integer :: comm_keyval, ierror
        integer(kind=MPI_ADDRESS_KIND) :: attribute_val, extra_state
        ierror = MPI_SUCCESS
        if (comm == MPI_COMM_NULL .or. comm_keyval == MPI_KEYVAL_INVALID) ierror = MPI_ERR_OTHER
        if (extra_state == 1 .and. attribute_val /= 0) deleted = deleted + 1
    end subroutine remove

    subroutine add(invec, inoutvec, len, datatype)
        type(C_PTR), value :: invec, inoutvec
        integer :: len
        type(MPI_Datatype) :: datatype
        integer, pointer :: a(:), b(:)
        if (datatype /= MPI_INT) return
        call c_f_pointer(invec, a, [len])
        call c_f_pointer(inoutvec, b, [len])
        b = a + b
    end subroutine add
end module mixed

subroutine fortran_handles(comm, group, datatype, op, request, ok) bind(C)
    use mixed
    implicit none
    type(MPI_Comm) :: comm
    type(MPI_Group) :: group
    type(MPI_Datatype) :: datatype
    type(MPI_Op) :: op
    type(MPI_Request) :: request
    integer(C_INT) :: ok
    integer :: n
    logical :: commutes
    ok = 1
    call MPI_Comm_size(comm, n)
    if (n /= 1) ok = 0
    call MPI_Group_size(group, n)
    if (n /= 1) ok = 0
    call MPI_Type_size(datatype, n)
    if (n /= 12) ok = 0
    call MPI_Op_commutative(op, commutes)
    if (.not. commutes) ok = 0
    call MPI_Send(17, 1, MPI_INTEGER, 0, 1, comm)
    call MPI_Wait(request, MPI_STATUS_IGNORE)
    call MPI_Comm_free(comm)
    call MPI_Group_free(group)
    call MPI_Type_free(datatype)
    call MPI_Op_free(op)
end subroutine fortran_handles

subroutine fortran_status(status, ok) bind(C)
    use mixed
    implicit none
    type(MPI_Status) :: status
    integer(C_INT) :: ok
    integer :: n
    call MPI_Get_count(status, MPI_INTEGER, n)
    ok = 0
    if (status%MPI_SOURCE == 1 .and. status%MPI_TAG == 2 .and. status%MPI_ERROR == 3 .and. n == 9) ok = 1
end subroutine fortran_status

subroutine fortran_ignore() bind(C)
    use mixed
    implicit none
    if (ignored(MPI_STATUS_IGNORE) == 0) stop 1
end subroutine fortran_ignore

subroutine fortran_make_keyval(keyval) bind(C)
    use mixed
    implicit none
    integer(C_INT) :: keyval
    call MPI_Comm_create_keyval(copy, remove, keyval, 1_MPI_ADDRESS_KIND)
end subroutine fortran_make_keyval

subroutine fortran_set(comm, keyval, value) bind(C)
    use mixed
    implicit none
    type(MPI_Comm) :: comm
    integer(C_INT) :: keyval
    integer(kind=MPI_ADDRESS_KIND) :: value
    call MPI_Comm_set_attr(comm, keyval, value)
end subroutine fortran_set

subroutine fortran_get(comm, keyval, value, found) bind(C)
    use mixed
    implicit none
    type(MPI_Comm) :: comm
    integer(C_INT) :: keyval, found
    integer(kind=MPI_ADDRESS_KIND) :: value
    logical :: flag
    call MPI_Comm_get_attr(comm, keyval, value, flag)
    found = merge(1, 0, flag)
end subroutine fortran_get

subroutine fortran_operation(op) bind(C)
    use mixed
    implicit none
    type(MPI_Op) :: op
    call MPI_Op_create(add, .true., op)
end subroutine fortran_operation

subroutine fortran_count(how_often_copied, how_often_deleted) bind(C)
    use mixed
    implicit none
    integer(C_INT) :: how_often_copied, how_often_deleted
    how_often_copied = copied
    how_often_deleted = deleted
end subroutine fortran_count
