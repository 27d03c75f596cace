! One source for the three interfaces: INTERFACE is 0 for mpif.h, 1 for the module mpi, 2 for mpi_f08.
! A procedure that uses MPI begins with USE_MPI, implicit none, INCLUDE_MPI.
#if INTERFACE == 2
#define USE_MPI use mpi_f08
#define INCLUDE_MPI
#define HANDLE(t) type(MPI_/**/t)
#define STATUS(s) type(MPI_Status) :: s
#define STATUSES(s, n) type(MPI_Status) :: s(n)
#define FIELD(s, f) s%f
#define FIELD_OF(s, i, f) s(i)%f
#else
#define HANDLE(t) integer
#define STATUS(s) integer :: s(MPI_STATUS_SIZE)
#define STATUSES(s, n) integer :: s(MPI_STATUS_SIZE, n)
#define FIELD(s, f) s(f)
#define FIELD_OF(s, i, f) s(f, i)
#if INTERFACE == 1
#define USE_MPI use mpi
#define INCLUDE_MPI
#else
#define USE_MPI
#define INCLUDE_MPI include 'mpif.h'
#endif
#endif
