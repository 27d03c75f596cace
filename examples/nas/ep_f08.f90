! EP, "embarrassingly parallel", in Fortran with the module mpi_f08: pairs of Gaussian deviates by the
! acceptance-rejection method, counted by square annuli. Three reductions at the end.
!
! Specification: RNR-94-007, section 2.2.1. The random numbers are those of its section 2.3:
! x(k+1) = 5^13 x(k) mod 2^46, from 271828183; the numbers are x / 2^46.
!
!   mpifort -O3 ep_f08.f90 -o ep_f08 && mpirun -n 4 ./ep_f08 --class S

program ep
    use mpi_f08
    use, intrinsic :: iso_fortran_env, only: int64, real64, error_unit
    implicit none
    integer(int64), parameter :: multiplier = 5_int64**13, seed = 271828183, modulus = 2_int64**46
    integer, parameter :: log2_batch = 16  ! pairs are made in batches, which are dealt to the ranks
    integer, parameter :: annuli = 10
    real(real64), parameter :: epsilon = 1e-8_real64
    character(len=*), parameter :: classes = 'SWABC'
    integer, parameter :: log2_pairs(5) = [24, 25, 28, 30, 32]
    real(real64), parameter :: official(2, 5) = reshape([ &
        -3.247834652034740e+3_real64, -6.958407078382297e+3_real64, &
        -2.863319731645753e+3_real64, -6.320053679109499e+3_real64, &
        -4.295875165629892e+3_real64, -1.580732573678431e+4_real64, &
        4.033815542441498e+4_real64, -2.660669192809235e+4_real64, &
        4.764367927995374e+4_real64, -8.084072988043731e+4_real64], [2, 5])
    real(real64) :: sums(2), start, seconds
    integer(int64) :: counts(0:annuli - 1), batches, batch
    integer :: rank, ranks, which
    logical :: verified

    call MPI_Init()
    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    call MPI_Comm_size(MPI_COMM_WORLD, ranks)
    which = chosen_class()
    if (which == 0) then
        if (rank == 0) write (error_unit, '(a)') 'usage: ep_f08 [--class S|W|A|B|C]'
        call MPI_Finalize()
        stop 2
    end if

    call MPI_Barrier(MPI_COMM_WORLD)
    start = MPI_Wtime()
    sums = 0
    counts = 0
    batches = 2_int64**(log2_pairs(which) - log2_batch)
    do batch = rank, batches - 1, ranks
        call add_batch(batch, sums, counts)
    end do
    call MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD)
    call MPI_Allreduce(MPI_IN_PLACE, counts, annuli, MPI_INTEGER8, MPI_SUM, MPI_COMM_WORLD)
    seconds = MPI_Wtime() - start
    call MPI_Allreduce(MPI_IN_PLACE, seconds, 1, MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD)

    verified = all(abs((sums - official(:, which)) / official(:, which)) <= epsilon)
    if (rank == 0) call report()
    call MPI_Finalize()
    if (.not. verified) stop 1

contains

    ! The class that the command line names, as its place in `classes`; 0 for a wrong one.
    integer function chosen_class()
        character(len=16) :: word
        chosen_class = 1
        if (command_argument_count() == 0) return
        chosen_class = 0
        call get_command_argument(1, word)
        if (word /= '--class' .or. command_argument_count() /= 2) return
        call get_command_argument(2, word)
        if (len_trim(word) == 1) chosen_class = index(classes, word(1:1))
    end function chosen_class

    ! a * b mod 2^46, without a product of more than 63 bits.
    pure integer(int64) function product_of(a, b)
        integer(int64), intent(in) :: a, b
        integer(int64), parameter :: half = 2_int64**23
        integer(int64) :: crossed
        crossed = mod((a / half) * mod(b, half) + mod(a, half) * (b / half), half)
        product_of = mod(crossed * half + mod(a, half) * mod(b, half), modulus)
    end function product_of

    ! The state after `steps` numbers.
    pure integer(int64) function advanced(steps)
        integer(int64), intent(in) :: steps
        integer(int64) :: left, power
        advanced = seed
        power = multiplier
        left = steps
        do while (left > 0)
            if (mod(left, 2_int64) == 1) advanced = product_of(power, advanced)
            power = product_of(power, power)
            left = left / 2
        end do
    end function advanced

    ! A number in (0, 1), and the next state.
    real(real64) function next_number(x)
        integer(int64), intent(inout) :: x
        x = product_of(multiplier, x)
        next_number = real(x, real64) / real(modulus, real64)
    end function next_number

    subroutine add_batch(number, totals, annulus_counts)
        integer(int64), intent(in) :: number
        real(real64), intent(inout) :: totals(2)
        integer(int64), intent(inout) :: annulus_counts(0:)
        integer(int64) :: x
        integer :: pair, annulus
        real(real64) :: u, v, t, factor
        x = advanced(number * 2_int64**(log2_batch + 1))
        do pair = 1, 2**log2_batch
            u = 2 * next_number(x) - 1
            v = 2 * next_number(x) - 1
            t = u**2 + v**2
            if (t > 1) cycle
            factor = sqrt(-2 * log(t) / t)
            annulus = int(max(abs(u * factor), abs(v * factor)))
            annulus_counts(annulus) = annulus_counts(annulus) + 1
            totals = totals + [u, v] * factor
        end do
    end subroutine add_batch

    subroutine report()
        write (*, '(a)') ' NAS EP in Fortran'
        write (*, '(2a)') ' Class           = ', classes(which:which)
        write (*, '(a,i0)') ' Total processes = ', ranks
        write (*, '(a,es23.15,a,es23.15)') ' Sums            = ', sums(1), ', ', sums(2)
        write (*, '(a,10(1x,i0))') ' Counts          =', counts
        write (*, '(a,f0.3)') ' Time in seconds = ', seconds
        write (*, '(a,f0.2)') ' Mop/s total     = ', 2.0_real64**(log2_pairs(which) + 1) / seconds / 1e6_real64
        write (*, '(2a)') ' Verification    = ', merge('SUCCESSFUL  ', 'UNSUCCESSFUL', verified)
    end subroutine report
end program ep
