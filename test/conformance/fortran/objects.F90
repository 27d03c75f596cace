! What Fortran programs give to MPI and get back: text, truth values, attributes, and procedures of their own.
#include "interface.h"

! Procedures that MPI calls.
module callbacks
    USE_MPI
    use, intrinsic :: iso_c_binding
    implicit none
    INCLUDE_MPI
    private
    public :: add_one_less, handler, copy, remove, copy_type, query, release, cancel
    public :: copied, deleted, errors_seen, last_error, queried, freed, cancelled
    integer :: copied = 0, deleted = 0, errors_seen = 0, last_error = 0
    integer :: queried = 0, freed = 0, cancelled = 0
contains
#if INTERFACE == 2
    subroutine add_one_less(invec, inoutvec, len, datatype)
        type(C_PTR), value :: invec, inoutvec
        integer :: len
        HANDLE(Datatype) :: datatype
        integer, pointer :: a(:), b(:)
        call c_f_pointer(invec, a, [len])
        call c_f_pointer(inoutvec, b, [len])
        if (datatype == MPI_INTEGER) b = a + b - 1
    end subroutine add_one_less
#else
    subroutine add_one_less(a, b, len, datatype)
        integer :: len, datatype
        integer :: a(len), b(len)
        if (datatype == MPI_INTEGER) b = a + b - 1
    end subroutine add_one_less
#endif

    subroutine handler(comm, code)
        HANDLE(Comm) :: comm
        integer :: code
        errors_seen = errors_seen + 1
        last_error = code
        if (comm == MPI_COMM_NULL) errors_seen = -100
    end subroutine handler

    subroutine copy(object, keyval, extra_state, value_in, value_out, flag, ierror)
        HANDLE(Comm) :: object
        integer :: keyval, ierror
        integer(kind=MPI_ADDRESS_KIND) :: extra_state, value_in, value_out
        logical :: flag
        copied = copied + 1
        value_out = value_in + extra_state
        flag = mod(value_in, 2_MPI_ADDRESS_KIND) == 0  ! odd ones are not copied
        ierror = MPI_SUCCESS
        if (object == MPI_COMM_NULL .or. keyval == MPI_KEYVAL_INVALID) ierror = MPI_ERR_OTHER
    end subroutine copy

    subroutine remove(object, keyval, value, extra_state, ierror)
        HANDLE(Comm) :: object
        integer :: keyval, ierror
        integer(kind=MPI_ADDRESS_KIND) :: value, extra_state
        deleted = deleted + 1
        ierror = MPI_SUCCESS
        if (extra_state /= 1000 .or. value < 0) ierror = MPI_ERR_OTHER
        if (object == MPI_COMM_NULL .or. keyval == MPI_KEYVAL_INVALID) ierror = MPI_ERR_OTHER
    end subroutine remove

    subroutine copy_type(object, keyval, extra_state, value_in, value_out, flag, ierror)
        HANDLE(Datatype) :: object
        integer :: keyval, ierror
        integer(kind=MPI_ADDRESS_KIND) :: extra_state, value_in, value_out
        logical :: flag
        value_out = value_in * extra_state
        flag = object /= MPI_DATATYPE_NULL .and. keyval /= MPI_KEYVAL_INVALID
        ierror = MPI_SUCCESS
    end subroutine copy_type

    subroutine query(extra_state, status, ierror)
        integer(kind=MPI_ADDRESS_KIND) :: extra_state
        STATUS(status)
        integer :: ierror
        queried = queried + 1
        call MPI_Status_set_elements(status, MPI_INTEGER, int(extra_state), ierror)
        call MPI_Status_set_cancelled(status, cancelled > 0, ierror)
        FIELD(status, MPI_SOURCE) = 3
        FIELD(status, MPI_TAG) = 4
    end subroutine query

    subroutine release(extra_state, ierror)
        integer(kind=MPI_ADDRESS_KIND) :: extra_state
        integer :: ierror
        freed = freed + int(extra_state)
        extra_state = extra_state + 1
        ierror = MPI_SUCCESS
    end subroutine release

    subroutine cancel(extra_state, complete, ierror)
        integer(kind=MPI_ADDRESS_KIND) :: extra_state
        logical :: complete
        integer :: ierror
        if (.not. complete) cancelled = int(extra_state)
        ierror = MPI_SUCCESS
    end subroutine cancel
end module callbacks

program objects
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer :: ierr
    logical :: flag
    call MPI_Initialized(flag, ierr)
    call check(.not. flag, 'MPI_Initialized before')
    call MPI_Init(ierr)
    call MPI_Initialized(flag, ierr)
    call check(flag, 'MPI_Initialized')
    call operations()
    call error_handlers()
    call attributes()
    call predefined_attributes()
    call type_attributes()
    call text()
    call info_objects()
    call generalized_requests()
    call MPI_Finalize(ierr)
    call MPI_Finalized(flag, ierr)
    call check(flag, 'MPI_Finalized')
    call finish()
end program objects

subroutine operations()
    USE_MPI
    use callbacks, only: add_one_less
    use check_module
    implicit none
    INCLUDE_MPI
    HANDLE(Op) :: op
    integer :: rank, nranks, in(3), out(3), ierr
    logical :: commutes
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
    call MPI_Comm_size(MPI_COMM_WORLD, nranks, ierr)
    call MPI_Op_create(add_one_less, .true., op, ierr)
    call MPI_Op_commutative(op, commutes, ierr)
    call check(commutes, 'MPI_Op_commutative')
    in = rank + [1, 2, 3]
    call MPI_Allreduce(in, out, 3, MPI_INTEGER, op, MPI_COMM_WORLD, ierr)
    call check(all(out == nranks * (nranks - 1) / 2 + nranks * [1, 2, 3] - (nranks - 1)), 'an operation')
    call MPI_Op_free(op, ierr)
    call check(op == MPI_OP_NULL, 'MPI_Op_free')
end subroutine operations

subroutine error_handlers()
    USE_MPI
    use callbacks
    use check_module
    implicit none
    INCLUDE_MPI
    HANDLE(Errhandler) :: mine, previous
    integer :: ierr, class, code, number = 0
    call MPI_Comm_create_errhandler(handler, mine, ierr)
    call MPI_Comm_set_errhandler(MPI_COMM_WORLD, mine, ierr)
    call MPI_Comm_get_errhandler(MPI_COMM_WORLD, previous, ierr)
    call check(previous == mine, 'MPI_Comm_get_errhandler')
    call MPI_Send(number, 1, MPI_INTEGER, -77, 0, MPI_COMM_WORLD, code)
    call MPI_Error_class(code, class, ierr)
    call check(errors_seen == 1 .and. class == MPI_ERR_RANK, 'an error handler is called')
    call MPI_Error_class(last_error, class, ierr)
    call check(class == MPI_ERR_RANK, 'an error handler is given the code')
    call MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN, ierr)
    call MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN, ierr)
    call MPI_Errhandler_free(mine, ierr)
    call MPI_Errhandler_free(previous, ierr)
    call check(mine == MPI_ERRHANDLER_NULL, 'MPI_Errhandler_free')
end subroutine error_handlers

subroutine attributes()
    USE_MPI
    use callbacks
    use check_module
    implicit none
    INCLUDE_MPI
    integer :: odd, even, dup, none, ierr
    integer(kind=MPI_ADDRESS_KIND) :: value, state
    HANDLE(Comm) :: comm, other
    logical :: flag
    state = 1000
    call MPI_Comm_dup(MPI_COMM_SELF, comm, ierr)
    call MPI_Comm_create_keyval(copy, remove, odd, state, ierr)
    call MPI_Comm_create_keyval(copy, remove, even, state, ierr)
    call MPI_Comm_create_keyval(MPI_COMM_DUP_FN, MPI_COMM_NULL_DELETE_FN, dup, state, ierr)
    call MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, none, state, ierr)
    call MPI_Comm_get_attr(comm, odd, value, flag, ierr)
    call check(.not. flag, 'no attribute yet')
    value = 2_MPI_ADDRESS_KIND**40 + 1
    call MPI_Comm_set_attr(comm, odd, value, ierr)
    call MPI_Comm_set_attr(comm, dup, value, ierr)
    call MPI_Comm_set_attr(comm, none, value, ierr)
    value = 8
    call MPI_Comm_set_attr(comm, even, value, ierr)
    call MPI_Comm_get_attr(comm, odd, value, flag, ierr)
    call check(flag .and. value == 2_MPI_ADDRESS_KIND**40 + 1, 'an attribute')
    call MPI_Comm_dup(comm, other, ierr)
    call check(copied == 2, 'copy functions are called')
    call MPI_Comm_get_attr(other, odd, value, flag, ierr)
    call check(.not. flag, 'the copy function said no')
    call MPI_Comm_get_attr(other, none, value, flag, ierr)
    call check(.not. flag, 'MPI_COMM_NULL_COPY_FN')
    call MPI_Comm_get_attr(other, even, value, flag, ierr)
    call check(flag .and. value == 1008, 'the value from the copy function')
    call MPI_Comm_get_attr(other, dup, value, flag, ierr)
    call check(flag .and. value == 2_MPI_ADDRESS_KIND**40 + 1, 'MPI_COMM_DUP_FN')
    call MPI_Comm_delete_attr(other, even, ierr)
    call check(deleted == 1 .and. ierr == MPI_SUCCESS, 'MPI_Comm_delete_attr')
    value = -1
    call MPI_Comm_set_attr(other, even, value, ierr)
    call MPI_Comm_delete_attr(other, even, ierr)
    call check(ierr /= MPI_SUCCESS, 'the error of a delete function comes back')
    value = 0
    call MPI_Comm_set_attr(other, even, value, ierr)
    call check(ierr /= MPI_SUCCESS, 'and that of one called because of a new value')
    call MPI_Comm_free(comm, ierr)
    call check(ierr == MPI_SUCCESS .and. deleted == 5, 'attributes are deleted with their communicator')
    call MPI_Comm_free_keyval(odd, ierr)
    call check(odd == MPI_KEYVAL_INVALID, 'MPI_Comm_free_keyval')
end subroutine attributes

subroutine predefined_attributes()
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    integer(kind=MPI_ADDRESS_KIND) :: value
    logical :: flag
    integer :: ierr
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, value, flag, ierr)
    call check(flag .and. value >= 32767 .and. value <= huge(ierr), 'MPI_TAG_UB')
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_WTIME_IS_GLOBAL, value, flag, ierr)
    call check(.not. flag .or. value == 0 .or. value == 1, 'MPI_WTIME_IS_GLOBAL')
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_LASTUSEDCODE, value, flag, ierr)
    call check(flag .and. value >= MPI_ERR_LASTCODE, 'MPI_LASTUSEDCODE')
end subroutine predefined_attributes

subroutine type_attributes()
    USE_MPI
    use callbacks, only: copy_type
    use check_module
    implicit none
    INCLUDE_MPI
    HANDLE(Datatype) :: t, u
    integer(kind=MPI_ADDRESS_KIND) :: value, state
    integer :: keyval, ierr
    logical :: flag
    state = 3
    call MPI_Type_create_keyval(copy_type, MPI_TYPE_NULL_DELETE_FN, keyval, state, ierr)
    call MPI_Type_contiguous(2, MPI_REAL, t, ierr)
    value = 7
    call MPI_Type_set_attr(t, keyval, value, ierr)
    call MPI_Type_dup(t, u, ierr)
    call MPI_Type_get_attr(u, keyval, value, flag, ierr)
    call check(flag .and. value == 21, 'a datatype''s attribute is copied')
    call MPI_Type_delete_attr(u, keyval, ierr)
    call MPI_Type_get_attr(u, keyval, value, flag, ierr)
    call check(.not. flag, 'MPI_Type_delete_attr')
    call MPI_Type_free(t, ierr)
    call MPI_Type_free(u, ierr)
    call MPI_Type_free_keyval(keyval, ierr)
end subroutine type_attributes

! Blanks at the end are cut when text goes in, and fill up when it comes out.
subroutine text()
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    character(len=MPI_MAX_OBJECT_NAME) :: name
    character(len=MPI_MAX_ERROR_STRING) :: sentence
    character(len=MPI_MAX_LIBRARY_VERSION_STRING) :: version
    character(len=5) :: short
    integer :: length, ierr, class, code
    HANDLE(Comm) :: comm
    HANDLE(Datatype) :: t

    call MPI_Comm_get_name(MPI_COMM_WORLD, name, length, ierr)
    call check(name == 'MPI_COMM_WORLD' .and. length == 14 .and. name(15:) == ' ', 'the name of MPI_COMM_WORLD')
    call MPI_Comm_dup(MPI_COMM_SELF, comm, ierr)
    call MPI_Comm_set_name(comm, '  two words   ', ierr)
    name = 'xxxxxxxxxxxxxxxxxxxxx'
    call MPI_Comm_get_name(comm, name, length, ierr)
    call check(length == 11 .and. name == '  two words', 'MPI_Comm_set_name keeps blanks at the front only')
    call MPI_Comm_get_name(comm, short, length, ierr)
    call check(short == '  two', 'text that is longer than its variable')
    call MPI_Comm_set_name(comm, '   ', ierr)
    call MPI_Comm_get_name(comm, name, length, ierr)
    call check(length == 0 .and. name == ' ', 'an empty name')
    call MPI_Comm_free(comm, ierr)
    call MPI_Type_contiguous(1, MPI_REAL, t, ierr)
    call MPI_Type_set_name(t, 'heat', ierr)
    call MPI_Type_get_name(t, name, length, ierr)
    call check(name == 'heat' .and. length == 4, 'MPI_Type_set_name')
    call MPI_Type_free(t, ierr)

    call MPI_Error_string(MPI_ERR_TAG, sentence, length, ierr)
    call check(length > 0 .and. len_trim(sentence) == length, 'MPI_Error_string')
    call MPI_Add_error_class(class, ierr)
    call MPI_Add_error_code(class, code, ierr)
    call MPI_Add_error_string(code, 'too hot  ', ierr)
    call MPI_Error_string(code, sentence, length, ierr)
    call check(sentence == 'too hot' .and. length == 7, 'MPI_Add_error_string')
    call MPI_Get_library_version(version, length, ierr)
    call check(len_trim(version) == length .and. length > 0, 'MPI_Get_library_version')
end subroutine text

subroutine info_objects()
    USE_MPI
    use check_module
    implicit none
    INCLUDE_MPI
    HANDLE(Info) :: info
    character(len=20) :: value, key
    integer :: length, n, ierr
    logical :: flag
    call MPI_Info_create(info, ierr)
    call MPI_Info_set(info, '  colour ', ' dark red  ', ierr)
    value = 'untouched'
    call MPI_Info_get(info, 'nothing', 20, value, flag, ierr)
    call check(.not. flag .and. value == 'untouched', 'a key that is not there')
    call MPI_Info_get(info, 'colour', 20, value, flag, ierr)
    call check(flag .and. value == 'dark red', 'MPI_Info_get')
    call MPI_Info_get(info, 'colour', 4, value, flag, ierr)
    call check(flag .and. value == 'dark', 'MPI_Info_get with a short length')
    call MPI_Info_get_valuelen(info, ' colour', length, flag, ierr)
    call check(flag .and. length == 8, 'MPI_Info_get_valuelen')
    length = 0
    call MPI_Info_get_string(info, 'colour', length, value, flag, ierr)
    call check(flag .and. length == 8, 'MPI_Info_get_string asked for the length')
    length = 20
    call MPI_Info_get_string(info, 'colour', length, value, flag, ierr)
    call check(flag .and. length == 8 .and. value == 'dark red', 'MPI_Info_get_string')
    call MPI_Info_get_nkeys(info, n, ierr)
    call MPI_Info_get_nthkey(info, 0, key, ierr)
    call check(n == 1 .and. key == 'colour', 'MPI_Info_get_nthkey')
    call MPI_Info_free(info, ierr)
    call check(info == MPI_INFO_NULL, 'MPI_Info_free')
    call MPI_Info_create_env(info, ierr)
    call check(ierr == MPI_SUCCESS .and. info /= MPI_INFO_NULL, 'MPI_Info_create_env')
    call MPI_Info_free(info, ierr)
end subroutine info_objects

subroutine generalized_requests()
    USE_MPI
    use callbacks
    use check_module
    implicit none
    INCLUDE_MPI
    HANDLE(Request) :: r
    STATUS(s)
    integer(kind=MPI_ADDRESS_KIND), volatile :: state
    integer :: n, ierr
    logical :: flag
    state = 11
    call MPI_Grequest_start(query, release, cancel, state, r, ierr)
    call MPI_Test(r, flag, s, ierr)
    call check(.not. flag, 'a generalized request that is not complete')
    call MPI_Grequest_complete(r, ierr)
    call MPI_Wait(r, s, ierr)
    call MPI_Get_count(s, MPI_INTEGER, n, ierr)
    call check(queried >= 1 .and. freed == 11 .and. n == 11, 'query and free functions')
    call check(FIELD(s, MPI_SOURCE) == 3 .and. FIELD(s, MPI_TAG) == 4, 'the status of a generalized request')
    call check(r == MPI_REQUEST_NULL, 'a generalized request becomes null')
    call check(state == 12, 'functions may change the extra state')
    state = 11
    call MPI_Grequest_start(query, release, cancel, state, r, ierr)
    call MPI_Cancel(r, ierr)
    call MPI_Grequest_complete(r, ierr)
    call MPI_Wait(r, s, ierr)
    call MPI_Test_cancelled(s, flag, ierr)
    call check(cancelled == 11 .and. flag, 'the cancel function')
end subroutine generalized_requests
