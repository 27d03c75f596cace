C What FORTRAN 77 programs of MPI-1 use and later versions removed, in fixed form, without any module.
      program old
      implicit none
      include 'mpif.h'
      integer ierr, rank, bad, comm
      integer blocks(2), places(2), types(2), newtype, first, last
      integer extent, lower, upper, keyval, value, handler, n
      integer numbers(4), twice(4), base
      real x(2), y(2)
      logical flag
      external remove, report
      integer removed, reported
      common /counters/ removed, reported
C     Buffers of different types in one unit, and a status that is part of an array.
      integer statuses(MPI_STATUS_SIZE, 2)

      bad = 0
      removed = 0
      reported = 0
      call MPI_INIT(ierr)
      call MPI_COMM_RANK(MPI_COMM_WORLD, rank, ierr)

C     A struct of two arrays, by the difference of their addresses.
      call MPI_ADDRESS(numbers(1), first, ierr)
      call MPI_ADDRESS(numbers(3), last, ierr)
      if (last - first .ne. 8) bad = bad + 1
      blocks(1) = 1
      blocks(2) = 1
      places(1) = 0
      places(2) = last - first
      types(1) = MPI_INTEGER
      types(2) = MPI_REAL
      call MPI_TYPE_STRUCT(2, blocks, places, types, newtype, ierr)
      call MPI_TYPE_COMMIT(newtype, ierr)
      call MPI_TYPE_EXTENT(newtype, extent, ierr)
      call MPI_TYPE_LB(newtype, lower, ierr)
      call MPI_TYPE_UB(newtype, upper, ierr)
      if (extent .ne. 12 .or. lower .ne. 0 .or. upper .ne. 12)
     +    bad = bad + 10
      do 10 n = 1, 4
          numbers(n) = n
          twice(n) = 0
   10 continue
      call MPI_SENDRECV(numbers, 1, newtype, rank, 1, twice, 1, newtype,
     +    rank, 1, MPI_COMM_WORLD, statuses(1, 2), ierr)
      if (twice(1) .ne. 1 .or. twice(2) .ne. 0 .or. twice(3) .ne. 3)
     +    bad = bad + 100
      if (statuses(MPI_SOURCE, 2) .ne. rank) bad = bad + 200
      call MPI_TYPE_FREE(newtype, ierr)
      call MPI_TYPE_HVECTOR(2, 1, 8, MPI_INTEGER, newtype, ierr)
      call MPI_TYPE_EXTENT(newtype, extent, ierr)
      if (extent .ne. 12) bad = bad + 400
      call MPI_TYPE_FREE(newtype, ierr)
      places(1) = 4
      places(2) = 16
      call MPI_TYPE_HINDEXED(2, blocks, places, MPI_REAL, newtype, ierr)
      call MPI_TYPE_LB(newtype, lower, ierr)
      if (lower .ne. 4) bad = bad + 800
      call MPI_TYPE_FREE(newtype, ierr)

      x(1) = 1.5
      x(2) = 2.5
      call MPI_SENDRECV(x, 2, MPI_REAL, rank, 2, y, 2, MPI_REAL,
     +    rank, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE, ierr)
      if (y(2) .ne. 2.5) bad = bad + 1000

C     Attributes that are INTEGERs.
      base = 42
      call MPI_KEYVAL_CREATE(MPI_DUP_FN, remove, keyval, base, ierr)
      call MPI_ATTR_PUT(MPI_COMM_SELF, keyval, 7, ierr)
      call MPI_COMM_DUP(MPI_COMM_SELF, comm, ierr)
      value = 0
      call MPI_ATTR_GET(comm, keyval, value, flag, ierr)
      if (.not. flag .or. value .ne. 7) bad = bad + 10000
      call MPI_ATTR_DELETE(comm, keyval, ierr)
      if (removed .ne. 49) bad = bad + 20000
      call MPI_COMM_FREE(comm, ierr)
      call MPI_ATTR_DELETE(MPI_COMM_SELF, keyval, ierr)
      call MPI_KEYVAL_FREE(keyval, ierr)
      call MPI_ATTR_GET(MPI_COMM_WORLD, MPI_TAG_UB, value, flag, ierr)
      if (.not. flag .or. value .lt. 32767) bad = bad + 40000

C     Error handlers.
      call MPI_ERRHANDLER_CREATE(report, handler, ierr)
      call MPI_ERRHANDLER_SET(MPI_COMM_WORLD, handler, ierr)
      call MPI_SEND(x, 1, MPI_REAL, -99, 0, MPI_COMM_WORLD, ierr)
      if (reported .ne. 1) bad = bad + 100000
      call MPI_ERRHANDLER_FREE(handler, ierr)
      call MPI_ERRHANDLER_GET(MPI_COMM_WORLD, handler, ierr)
      if (handler .eq. MPI_ERRORS_ARE_FATAL) bad = bad + 200000

      call MPI_FINALIZE(ierr)
      if (bad .ne. 0) then
          write (*, *) 'FAILED: ', bad
          stop 1
      end if
      end

      subroutine remove(comm, keyval, value, extra, ierror)
      integer comm, keyval, value, extra, ierror
      integer removed, reported
      common /counters/ removed, reported
      removed = removed + value + extra
      ierror = 0
      end

      subroutine report(comm, code)
      integer comm, code
      integer removed, reported
      common /counters/ removed, reported
      reported = reported + 1
      end
