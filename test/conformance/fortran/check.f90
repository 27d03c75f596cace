! What the Fortran tests check with: one line for each failure, and a status other than 0 at the end.
module check_module
    implicit none
    integer, private :: failures = 0
contains
    subroutine check(right, what)
        logical, intent(in) :: right
        character(len=*), intent(in) :: what
        if (right) return
        failures = failures + 1
        write (*, '(2a)') 'FAILED: ', what
    end subroutine check

    subroutine finish()
        if (failures > 0) stop 1
    end subroutine finish
end module check_module
