! hello_f08: the smallest MPI program with the module mpi_f08, which new programs should use: handles have
! types of their own, and the error code may be left out.
!
!   mpifort -O2 hello_f08.f90 -o hello_f08 && mpirun -n 4 ./hello_f08

program hello
    use mpi_f08
    implicit none
    type(MPI_Comm) :: world
    integer :: rank, nranks, length, total
    character(len=MPI_MAX_PROCESSOR_NAME) :: host

    call MPI_Init()  ! before any other MPI call
    call MPI_Comm_dup(MPI_COMM_WORLD, world)
    call MPI_Comm_rank(world, rank)
    call MPI_Comm_size(world, nranks)
    call MPI_Get_processor_name(host, length)
    write (*, '(a,i0,a,i0,2a)') 'hello from rank ', rank, ' of ', nranks, ' on ', host(1:length)

    ! Each rank gives its number; the sum must be 0 + 1 + ... + (nranks-1).
    call MPI_Allreduce(rank, total, 1, MPI_INTEGER, MPI_SUM, world)
    call MPI_Comm_free(world)
    call MPI_Finalize()
    if (total /= nranks * (nranks - 1) / 2) stop 1
end program hello
