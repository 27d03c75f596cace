C hello_mpif: the smallest MPI program in FORTRAN 77, with INCLUDE 'mpif.h'.
C
C   mpifort -O2 hello_mpif.f -o hello_mpif && mpirun -n 4 ./hello_mpif

      program hello
      implicit none
      include 'mpif.h'
      integer rank, nranks, length, total, ierror
      character*(MPI_MAX_PROCESSOR_NAME) host

C     MPI_INIT comes before any other MPI call. Every call ends with an error code.
      call MPI_INIT(ierror)
      call MPI_COMM_RANK(MPI_COMM_WORLD, rank, ierror)
      call MPI_COMM_SIZE(MPI_COMM_WORLD, nranks, ierror)
      call MPI_GET_PROCESSOR_NAME(host, length, ierror)
      write (*, '(a,i0,a,i0,2a)') 'hello from rank ', rank, ' of ',
     +    nranks, ' on ', host(1:length)

C     Each rank gives its number; the sum must be 0 + 1 + ... + (nranks-1).
      call MPI_ALLREDUCE(rank, total, 1, MPI_INTEGER, MPI_SUM,
     +    MPI_COMM_WORLD, ierror)
      call MPI_FINALIZE(ierror)
      if (total .ne. nranks * (nranks - 1) / 2) stop 1
      end
