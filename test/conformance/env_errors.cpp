// Error classes, codes and strings that a program adds.
#include <array>
#include <climits>
#include <cstring>

#include "test/conformance/errors.hpp"

namespace {

class AddedErrors : public errors::ErrorTest {
  protected:
    static std::string text_of(int code) {
        std::array<char, MPI_MAX_ERROR_STRING> text{};
        int length = -1;
        EXPECT_MPI_OK(MPI_Error_string(code, text.data(), &length));
        EXPECT_EQ(std::strlen(text.data()), static_cast<std::size_t>(length));
        return text.data();
    }
    static int last_used() {
        int* value = nullptr;
        int flag = 0;
        EXPECT_MPI_OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_LASTUSEDCODE, &value, &flag));
        EXPECT_NE(flag, 0);
        return flag != 0 ? *value : -1;
    }
};

#ifdef MPIX_ERR_PROC_FAILED
TEST_F(AddedErrors, ClassesOfLostProcesses) {
    for (const int error_class : {MPIX_ERR_PROC_FAILED, MPIX_ERR_PROC_FAILED_PENDING}) {
        EXPECT_LT(error_class, MPI_ERR_LASTCODE);
        EXPECT_EQ(mpitest::class_of(error_class), error_class);
        EXPECT_NE(text_of(error_class), "");
    }
    EXPECT_NE(text_of(MPIX_ERR_PROC_FAILED), text_of(MPIX_ERR_PROC_FAILED_PENDING));
}
#endif

TEST_F(AddedErrors, ClassesCodesAndStrings) {
    int cls = 0;
    int code = 0;
    int other = 0;
    const int before = last_used();
    MPI_OK(MPI_Add_error_class(&cls));
    EXPECT_GT(cls, MPI_ERR_LASTCODE);
    EXPECT_GE(last_used(), cls);
    EXPECT_GT(last_used(), before);
    MPI_OK(MPI_Add_error_code(cls, &code));
    MPI_OK(MPI_Add_error_code(MPI_ERR_ARG, &other));
    EXPECT_NE(code, cls);
    EXPECT_NE(other, code);
    EXPECT_GE(last_used(), other);
    EXPECT_EQ(mpitest::class_of(cls), cls);
    EXPECT_EQ(mpitest::class_of(code), cls);
    EXPECT_EQ(mpitest::class_of(other), MPI_ERR_ARG);
    EXPECT_EQ(text_of(code), "") << "until it is given one";
    MPI_OK(MPI_Add_error_string(cls, "the class"));
    MPI_OK(MPI_Add_error_string(code, "the code"));
    EXPECT_EQ(text_of(cls), "the class");
    EXPECT_EQ(text_of(code), "the code");
    MPI_OK(MPI_Add_error_string(code, "another text"));
    EXPECT_EQ(text_of(code), "another text");
#if MPI_VERSION >= 5
    MPI_OK(MPI_Remove_error_string(code));
    EXPECT_EQ(text_of(code), "");
    MPI_OK(MPI_Remove_error_code(code));
    MPI_OK(MPI_Remove_error_code(other));
    MPI_OK(MPI_Remove_error_string(cls));
    MPI_OK(MPI_Remove_error_class(cls));
    FATHOM_ONLY("forgets them at once");
    EXPECT_EQ(last_used(), before);
    int result = 0;
    EXPECT_MPI_CLASS(MPI_Error_class(code, &result), MPI_ERR_ARG);
#endif
}

int code_seen = 0;
void note_code(MPI_Comm*, int* code, ...) {
    code_seen = *code;
}

TEST_F(AddedErrors, HandlersAreCalledWithThem) {
    int cls = 0;
    int code = 0;
    MPI_OK(MPI_Add_error_class(&cls));
    MPI_OK(MPI_Add_error_code(cls, &code));
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    MPI_OK(MPI_Comm_create_errhandler(note_code, &handler));
    MPI_OK(MPI_Comm_set_errhandler(comm(), handler));
    MPI_OK(MPI_Comm_call_errhandler(comm(), code));
    EXPECT_EQ(code_seen, code);
    MPI_OK(MPI_Comm_set_errhandler(comm(), MPI_ERRORS_RETURN));
    MPI_OK(MPI_Comm_call_errhandler(comm(), code));
    MPI_OK(MPI_Errhandler_free(&handler));
#if MPI_VERSION >= 5
    MPI_OK(MPI_Remove_error_code(code));
    MPI_OK(MPI_Remove_error_class(cls));
#endif
}

#if MPI_VERSION >= 5
TEST_F(AddedErrors, EachErrorClass) {
    using errors::For;
    int cls = 0;
    int code = 0;
    MPI_OK(MPI_Add_error_class(&cls));
    MPI_OK(MPI_Add_error_code(cls, &code));
    MPI_OK(MPI_Add_error_string(code, "text"));
    int result = 0;
    const std::string longest(MPI_MAX_ERROR_STRING, 'x');
    run({
        {"code of no class", MPI_ERR_ARG, [&] { return MPI_Add_error_code(INT_MAX, &result); },
         For::kFathom},
        {"code of a code", MPI_ERR_ARG, [&] { return MPI_Add_error_code(code, &result); },
         For::kFathom},
        {"string of a predefined class", MPI_ERR_ARG,
         [&] { return MPI_Add_error_string(MPI_ERR_ARG, "x"); }, For::kFathom},
        {"string too long", MPI_ERR_ARG,
         [&] { return MPI_Add_error_string(code, longest.c_str()); }, For::kFathom},
        {"remove a predefined class", MPI_ERR_ARG,
         [&] { return MPI_Remove_error_class(MPI_ERR_ARG); }, For::kFathom},
        {"remove a class with codes", MPI_ERR_ARG, [&] { return MPI_Remove_error_class(cls); },
         For::kFathom},
        {"remove a class that is a code", MPI_ERR_ARG, [&] { return MPI_Remove_error_class(code); },
         For::kFathom},
        {"remove a code that is a class", MPI_ERR_ARG, [&] { return MPI_Remove_error_code(cls); },
         For::kFathom},
        {"remove a code with a string", MPI_ERR_ARG, [&] { return MPI_Remove_error_code(code); },
         For::kFathom},
        {"remove no string", MPI_ERR_ARG, [&] { return MPI_Remove_error_string(cls); },
         For::kFathom},
    });
    MPI_OK(MPI_Remove_error_string(code));
    MPI_OK(MPI_Remove_error_code(code));
    MPI_OK(MPI_Remove_error_class(cls));
}
#endif

// An error that belongs to no communicator goes to MPI_COMM_SELF's handler. Programs of MPI-3 and
// older set the one of MPI_COMM_WORLD alone, and get their errors.
TEST_F(AddedErrors, WorldStandsInForSelf) {
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    int size_bytes = 0;
    EXPECT_MPI_CLASS(MPI_Type_size(MPI_DATATYPE_NULL, &size_bytes), MPI_ERR_TYPE);
}

TEST_F(AddedErrors, PcontrolDoesNothing) {
    MPI_OK(MPI_Pcontrol(0));
    MPI_OK(MPI_Pcontrol(2, 1, "more"));
}

}  // namespace
