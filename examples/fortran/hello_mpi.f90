! hello_mpi: the smallest MPI program with the module mpi. Handles are INTEGERs, as with mpif.h, but the
! compiler checks the arguments of the calls.
!
!   mpifort -O2 hello_mpi.f90 -o hello_mpi && mpirun -n 4 ./hello_mpi

program hello
    use mpi
    implicit none
    integer :: rank, nranks, length, total, ierror
    character(len=MPI_MAX_PROCESSOR_NAME) :: host

    ! MPI_Init comes before any other MPI call. Every call ends with an error code.
    call MPI_Init(ierror)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierror)
    call MPI_Comm_size(MPI_COMM_WORLD, nranks, ierror)
    call MPI_Get_processor_name(host, length, ierror)
    write (*, '(a,i0,a,i0,2a)') 'hello from rank ', rank, ' of ', nranks, ' on ', host(1:length)

    ! Each rank gives its number; the sum must be 0 + 1 + ... + (nranks-1).
    call MPI_Allreduce(rank, total, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, ierror)
    call MPI_Finalize(ierror)
    if (total /= nranks * (nranks - 1) / 2) stop 1
end program hello
