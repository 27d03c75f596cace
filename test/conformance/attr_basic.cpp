// Attributes of communicators and datatypes: callbacks and what they are called with, copying,
// order, keys freed while in use, failing callbacks.
#include <array>
#include <climits>

#include "test/conformance/errors.hpp"

namespace {

/// What the callbacks did.
struct Log {
    int copies = 0;
    int deletes = 0;
    int copy_result = MPI_SUCCESS;
    int delete_result = MPI_SUCCESS;
    std::vector<int> deleted;  ///< the values, in order
};

int copy_and_add(MPI_Comm, int, void* state, void* in, void* out, int* flag) {
    auto* log = static_cast<Log*>(state);
    ++log->copies;
    *static_cast<int**>(out) = static_cast<int*>(in) + 1;
    *flag = 1;
    return log->copy_result;
}
int note_delete(MPI_Comm, int, void* value, void* state) {
    auto* log = static_cast<Log*>(state);
    ++log->deletes;
    log->deleted.push_back(*static_cast<int*>(value));
    return log->delete_result;
}
int copy_type(MPI_Datatype, int key, void* state, void* in, void* out, int* flag) {
    return copy_and_add(MPI_COMM_NULL, key, state, in, out, flag);
}
int delete_type(MPI_Datatype, int key, void* value, void* state) {
    return note_delete(MPI_COMM_NULL, key, value, state);
}

constexpr int kNone = -1;

class Attributes : public errors::ErrorTest {
  protected:
    void SetUp() override {
        ErrorTest::SetUp();
        for (int i = 0; i < 10; ++i) numbers_[static_cast<std::size_t>(i)] = i;
    }
    int* number(int i) { return &numbers_[static_cast<std::size_t>(i)]; }
    int make_key(Log& log) {
        int key = MPI_KEYVAL_INVALID;
        EXPECT_MPI_OK(MPI_Comm_create_keyval(copy_and_add, note_delete, &key, &log));
        EXPECT_NE(key, MPI_KEYVAL_INVALID);
        return key;
    }
    static void free_key(int key) { EXPECT_MPI_OK(MPI_Comm_free_keyval(&key)); }
    /// The number that the attribute points to; kNone when there is none.
    static int get(MPI_Comm from, int key) {
        int* value = nullptr;
        int flag = -1;
        EXPECT_MPI_OK(MPI_Comm_get_attr(from, key, &value, &flag));
        return flag != 0 ? *value : kNone;
    }

  private:
    std::array<int, 10> numbers_{};
};

TEST_F(Attributes, SetGetReplaceDelete) {
    Log log;
    const int key = make_key(log);
    EXPECT_EQ(get(comm(), key), kNone);
    MPI_OK(MPI_Comm_set_attr(comm(), key, number(3)));
    EXPECT_EQ(get(comm(), key), 3);
    EXPECT_EQ(get(MPI_COMM_WORLD, key), kNone);
    MPI_OK(MPI_Comm_set_attr(comm(), key, number(5)));
    EXPECT_EQ(log.deleted, std::vector<int>({3})) << "the old value is deleted";
    EXPECT_EQ(get(comm(), key), 5);
    MPI_OK(MPI_Comm_delete_attr(comm(), key));
    EXPECT_EQ(log.deleted, std::vector<int>({3, 5}));
    EXPECT_EQ(get(comm(), key), kNone);
    free_key(key);
}

TEST_F(Attributes, AValueMayBeNull) {
    Log log;
    int key = MPI_KEYVAL_INVALID;
    MPI_OK(MPI_Comm_create_keyval(MPI_COMM_DUP_FN, MPI_COMM_NULL_DELETE_FN, &key, nullptr));
    MPI_OK(MPI_Comm_set_attr(comm(), key, nullptr));
    void* value = &log;
    int flag = 0;
    MPI_OK(MPI_Comm_get_attr(comm(), key, &value, &flag));
    EXPECT_NE(flag, 0);
    EXPECT_EQ(value, nullptr);
    MPI_OK(MPI_Comm_delete_attr(comm(), key));
    free_key(key);
}

TEST_F(Attributes, DupCopiesAsTheFunctionSays) {
    Log log;
    const int key = make_key(log);
    int same = MPI_KEYVAL_INVALID;
    int not_copied = MPI_KEYVAL_INVALID;
    MPI_OK(MPI_Comm_create_keyval(MPI_COMM_DUP_FN, MPI_COMM_NULL_DELETE_FN, &same, nullptr));
    MPI_OK(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, &not_copied,
                                  nullptr));
    MPI_OK(MPI_Comm_set_attr(comm(), key, number(1)));
    MPI_OK(MPI_Comm_set_attr(comm(), same, number(2)));
    MPI_OK(MPI_Comm_set_attr(comm(), not_copied, number(3)));
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    EXPECT_EQ(log.copies, 1);
    EXPECT_EQ(get(copy, key), 2);
    EXPECT_EQ(get(copy, same), 2);
    EXPECT_EQ(get(copy, not_copied), kNone);
    EXPECT_EQ(get(comm(), key), 1);
    // A split inherits nothing.
    MPI_Comm part = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_split(comm(), 0, rank(), &part));
    EXPECT_EQ(get(part, key), kNone);
    EXPECT_EQ(log.copies, 1);
    MPI_OK(MPI_Comm_free(&part));
    MPI_OK(MPI_Comm_free(&copy));
    EXPECT_EQ(log.deleted, std::vector<int>({2}));
    MPI_OK(MPI_Comm_delete_attr(comm(), key));
    for (const int each : {key, same, not_copied}) free_key(each);
}

TEST_F(Attributes, AFreedKeyLivesWithItsAttributes) {
    Log log;
    const int key = make_key(log);
    MPI_OK(MPI_Comm_set_attr(comm(), key, number(4)));
    int freed = key;
    MPI_OK(MPI_Comm_free_keyval(&freed));
    EXPECT_EQ(freed, MPI_KEYVAL_INVALID);
    EXPECT_EQ(get(comm(), key), 4);
    freed = key;
    MPI_OK(MPI_Comm_free_keyval(&freed));  // once more, as some delete functions do
    EXPECT_EQ(get(comm(), key), 4);
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    EXPECT_EQ(get(copy, key), 5);
    MPI_OK(MPI_Comm_delete_attr(comm(), key));
    EXPECT_EQ(get(copy, key), 5);
    MPI_OK(MPI_Comm_free(&copy));
    EXPECT_EQ(log.deleted, std::vector<int>({4, 5}));
    FATHOM_ONLY("finds dead keys");
    int* value = nullptr;
    int flag = 0;
    EXPECT_MPI_CLASS(MPI_Comm_get_attr(comm(), key, &value, &flag), MPI_ERR_KEYVAL);
}

TEST_F(Attributes, TheLastOneSetIsDeletedFirst) {
    FATHOM_ONLY("elsewhere for MPI_COMM_SELF at the end only");
    Log log;
    std::array<int, 5> keys{};
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    for (int i = 0; i < 5; ++i) {
        keys[static_cast<std::size_t>(i)] = make_key(log);
        MPI_OK(MPI_Comm_set_attr(copy, keys[static_cast<std::size_t>(i)], number(i)));
    }
    MPI_OK(MPI_Comm_set_attr(copy, keys[1], number(6)));
    log.deleted.clear();
    MPI_OK(MPI_Comm_free(&copy));
    EXPECT_EQ(log.deleted, std::vector<int>({6, 4, 3, 2, 0}));
    for (const int key : keys) free_key(key);
}

constexpr int kOwnError = MPI_ERR_OTHER;

TEST_F(Attributes, AFailingCopyUndoesTheDup) {
    Log good;
    Log bad;
    const int first = make_key(good);
    const int second = make_key(bad);
    MPI_OK(MPI_Comm_set_attr(comm(), first, number(1)));
    MPI_OK(MPI_Comm_set_attr(comm(), second, number(2)));
    bad.copy_result = kOwnError;
    MPI_Comm copy = MPI_COMM_NULL;
    EXPECT_NE(MPI_Comm_dup(comm(), &copy), MPI_SUCCESS);
    EXPECT_TRUE(copy == MPI_COMM_NULL);
    EXPECT_EQ(good.copies, 1);
    if (mpitest::is_fathom()) {
        EXPECT_EQ(good.deleted, std::vector<int>({2})) << "what was copied is deleted again";
        EXPECT_EQ(bad.deletes, 0);
    }
    // Every time again: nothing is lost by it.
    bad.copy_result = MPI_SUCCESS;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    EXPECT_EQ(get(copy, second), 3);
    MPI_OK(MPI_Comm_free(&copy));
    for (const int key : {first, second}) {
        MPI_OK(MPI_Comm_delete_attr(comm(), key));
        free_key(key);
    }
}

TEST_F(Attributes, FailedDupsUseUpNoContexts) {
    FATHOM_ONLY("65536 contexts");
    Log bad;
    const int key = make_key(bad);
    MPI_Comm self = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(MPI_COMM_SELF, &self));
    MPI_OK(MPI_Comm_set_attr(self, key, number(1)));
    bad.copy_result = kOwnError;
    int failures = 0;
    for (int i = 0; i < 70000; ++i) {
        MPI_Comm copy = MPI_COMM_NULL;
        failures += MPI_Comm_dup(self, &copy) == kOwnError ? 1 : 0;
    }
    EXPECT_EQ(failures, 70000);
    MPI_OK(MPI_Comm_free(&self));
    free_key(key);
}

TEST_F(Attributes, AFailingDeleteKeepsAttributeAndCommunicator) {
    Log log;
    const int key = make_key(log);
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    MPI_OK(MPI_Comm_set_attr(copy, key, number(7)));
    log.delete_result = kOwnError;
    EXPECT_NE(MPI_Comm_delete_attr(copy, key), MPI_SUCCESS);
    EXPECT_EQ(get(copy, key), 7);
    EXPECT_NE(MPI_Comm_set_attr(copy, key, number(8)), MPI_SUCCESS);
    EXPECT_EQ(get(copy, key), 7);
    MPI_Comm still = copy;
    EXPECT_NE(MPI_Comm_free(&still), MPI_SUCCESS);
    if (mpitest::is_fathom()) {
        EXPECT_TRUE(still == copy);
        EXPECT_EQ(get(copy, key), 7);
    }
    log.delete_result = MPI_SUCCESS;
    MPI_OK(MPI_Comm_free(&copy));
    free_key(key);
}

// Callbacks may use MPI, and the very object.
MPI_Comm seen = MPI_COMM_NULL;
int size_seen = 0;
int use_the_communicator(MPI_Comm comm, int, void*, void*) {
    seen = comm;
    return MPI_Comm_size(comm, &size_seen);
}

TEST_F(Attributes, CallbacksGetAUsableHandle) {
    int key = MPI_KEYVAL_INVALID;
    MPI_OK(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, use_the_communicator, &key, nullptr));
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    MPI_OK(MPI_Comm_set_attr(copy, key, number(1)));
    MPI_Comm const handle = copy;
    size_seen = 0;
    MPI_OK(MPI_Comm_free(&copy));
    EXPECT_TRUE(seen == handle);
    EXPECT_EQ(size_seen, size());
    free_key(key);
}

TEST_F(Attributes, TheOldNamesAreTheSame) {
    Log log;
    int key = MPI_KEYVAL_INVALID;
    MPI_OK(MPI_Keyval_create(copy_and_add, note_delete, &key, &log));
    MPI_OK(MPI_Attr_put(comm(), key, number(3)));
    EXPECT_EQ(get(comm(), key), 3);
    int* value = nullptr;
    int flag = 0;
    MPI_OK(MPI_Attr_get(comm(), key, &value, &flag));
    EXPECT_NE(flag, 0);
    EXPECT_EQ(value, number(3));
    MPI_OK(MPI_Attr_delete(comm(), key));
    EXPECT_EQ(log.deletes, 1);
    MPI_OK(MPI_Keyval_free(&key));
    EXPECT_EQ(key, MPI_KEYVAL_INVALID);
    MPI_OK(MPI_Keyval_create(MPI_DUP_FN, MPI_NULL_DELETE_FN, &key, nullptr));
    MPI_OK(MPI_Keyval_free(&key));
    MPI_OK(MPI_Keyval_create(MPI_NULL_COPY_FN, MPI_NULL_DELETE_FN, &key, nullptr));
    MPI_OK(MPI_Keyval_free(&key));
}

TEST_F(Attributes, Predefined) {
    int* value = nullptr;
    int flag = 0;
    MPI_OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &value, &flag));
    ASSERT_NE(flag, 0);
    EXPECT_GE(*value, 32767);
    int token = 42;
    MPI_OK(MPI_Sendrecv_replace(&token, 1, MPI_INT, next(), *value, previous(), *value, comm(),
                                MPI_STATUS_IGNORE));
    MPI_OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_IO, &value, &flag));
    ASSERT_NE(flag, 0);
    EXPECT_EQ(*value, MPI_ANY_SOURCE);
    MPI_OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_HOST, &value, &flag));
    ASSERT_NE(flag, 0);
    MPI_OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_WTIME_IS_GLOBAL, &value, &flag));
    ASSERT_NE(flag, 0);
    EXPECT_TRUE(*value == 0 || *value == 1);
    MPI_OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_UNIVERSE_SIZE, &value, &flag));
    if (flag != 0) {
        EXPECT_GE(*value, size());
    }
    MPI_OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_APPNUM, &value, &flag));
    if (flag != 0) {
        EXPECT_EQ(*value, 0);
    }
    MPI_OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_LASTUSEDCODE, &value, &flag));
    ASSERT_NE(flag, 0);
    EXPECT_GE(*value, MPI_ERR_LASTCODE);
}

TEST_F(Attributes, EachErrorClass) {
    using errors::For;
    Log log;
    const int key = make_key(log);
    int type_key = MPI_KEYVAL_INVALID;
    MPI_OK(MPI_Type_create_keyval(copy_type, delete_type, &type_key, &log));
    int dead = make_key(log);
    const int dead_too = dead;
    free_key(dead);
    int tag_ub = MPI_TAG_UB;
    int invalid = MPI_KEYVAL_INVALID;
    int used = make_key(log);
    const int used_too = used;
    MPI_OK(MPI_Comm_set_attr(comm(), used, number(1)));
    free_key(used);
    int* value = nullptr;
    int flag = 0;
    const MPI_Comm c = comm();
    run({
        {"set invalid key", MPI_ERR_KEYVAL,
         [&] { return MPI_Comm_set_attr(c, MPI_KEYVAL_INVALID, number(1)); }},
        {"set freed key", MPI_ERR_KEYVAL, [&] { return MPI_Comm_set_attr(c, dead_too, number(1)); },
         For::kFathom},
        {"set freed key in use", MPI_ERR_KEYVAL,
         [&] { return MPI_Comm_set_attr(c, used_too, number(1)); }, For::kFathom},
        {"set datatypes' key", MPI_ERR_KEYVAL,
         [&] { return MPI_Comm_set_attr(c, type_key, number(1)); }},
        {"set predefined key", MPI_ERR_KEYVAL,
         [&] { return MPI_Comm_set_attr(c, MPI_TAG_UB, number(1)); }},
        {"set on null", MPI_ERR_COMM,
         [&] { return MPI_Comm_set_attr(MPI_COMM_NULL, key, number(1)); }},
        {"get invalid key", MPI_ERR_KEYVAL,
         [&] { return MPI_Comm_get_attr(c, MPI_KEYVAL_INVALID, &value, &flag); }},
        {"get of null", MPI_ERR_COMM,
         [&] { return MPI_Comm_get_attr(MPI_COMM_NULL, key, &value, &flag); }},
        {"get to null", MPI_ERR_ARG, [&] { return MPI_Comm_get_attr(c, key, nullptr, &flag); },
         For::kFathom},
        {"delete absent", MPI_ERR_KEYVAL, [&] { return MPI_Comm_delete_attr(c, key); },
         For::kFathom},
        {"delete predefined", MPI_ERR_KEYVAL, [&] { return MPI_Comm_delete_attr(c, MPI_TAG_UB); }},
        {"free invalid key", MPI_ERR_KEYVAL, [&] { return MPI_Comm_free_keyval(&invalid); }},
        {"free predefined key", MPI_ERR_KEYVAL, [&] { return MPI_Comm_free_keyval(&tag_ub); }},
        {"free dead key", MPI_ERR_KEYVAL,
         [&] {
             int again = dead_too;
             return MPI_Comm_free_keyval(&again);
         },
         For::kFathom},
        {"free datatypes' key", MPI_ERR_KEYVAL,
         [&] {
             int other = type_key;
             return MPI_Comm_free_keyval(&other);
         }},
        {"type set communicators' key", MPI_ERR_KEYVAL,
         [&] { return MPI_Type_set_attr(MPI_INT, key, number(1)); }},
        {"type set on null", MPI_ERR_TYPE,
         [&] { return MPI_Type_set_attr(MPI_DATATYPE_NULL, type_key, number(1)); }},
        {"type get of null", MPI_ERR_TYPE,
         [&] { return MPI_Type_get_attr(MPI_DATATYPE_NULL, type_key, &value, &flag); }},
        {"type delete absent", MPI_ERR_KEYVAL,
         [&] { return MPI_Type_delete_attr(MPI_INT, type_key); }, For::kFathom},
    });
    MPI_OK(MPI_Comm_delete_attr(c, used_too));
    free_key(key);
    MPI_OK(MPI_Type_free_keyval(&type_key));
    EXPECT_EQ(type_key, MPI_KEYVAL_INVALID);
}

TEST_F(Attributes, OfDatatypes) {
    Log log;
    int key = MPI_KEYVAL_INVALID;
    MPI_OK(MPI_Type_create_keyval(copy_type, delete_type, &key, &log));
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(2, MPI_INT, &type));
    MPI_OK(MPI_Type_set_attr(type, key, number(2)));
    MPI_OK(MPI_Type_set_attr(MPI_DOUBLE, key, number(8)));
    int* value = nullptr;
    int flag = 0;
    MPI_OK(MPI_Type_get_attr(type, key, &value, &flag));
    ASSERT_NE(flag, 0);
    EXPECT_EQ(*value, 2);
    // Still used by another type: the attribute goes with the handle all the same.
    MPI_Datatype outer = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(2, type, &outer));
    MPI_OK(MPI_Type_get_attr(outer, key, &value, &flag));
    EXPECT_EQ(flag, 0);
    MPI_OK(MPI_Type_free(&type));
    EXPECT_EQ(log.deleted, std::vector<int>({2}));
    MPI_OK(MPI_Type_free(&outer));
    MPI_OK(MPI_Type_delete_attr(MPI_DOUBLE, key));
    EXPECT_EQ(log.deleted, std::vector<int>({2, 8}));
    // A failing callback keeps the type.
    MPI_OK(MPI_Type_contiguous(3, MPI_INT, &type));
    MPI_OK(MPI_Type_set_attr(type, key, number(5)));
    log.delete_result = kOwnError;
    EXPECT_NE(MPI_Type_free(&type), MPI_SUCCESS);
    log.delete_result = MPI_SUCCESS;
    if (mpitest::is_fathom()) {
        MPI_OK(MPI_Type_free(&type));
    }
    MPI_OK(MPI_Type_free_keyval(&key));
}

TEST_F(Attributes, NamesOfDatatypes) {
    std::array<char, MPI_MAX_OBJECT_NAME> name{};
    int length = -1;
    MPI_OK(MPI_Type_get_name(MPI_INT, name.data(), &length));
    EXPECT_STREQ(name.data(), "MPI_INT");
    EXPECT_EQ(length, 7);
    MPI_OK(MPI_Type_get_name(MPI_DOUBLE_INT, name.data(), &length));
    EXPECT_STREQ(name.data(), "MPI_DOUBLE_INT");
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(2, MPI_INT, &type));
    MPI_OK(MPI_Type_get_name(type, name.data(), &length));
    EXPECT_STREQ(name.data(), "");
    EXPECT_EQ(length, 0);
    MPI_OK(MPI_Type_set_name(type, "a pair"));
    MPI_OK(MPI_Type_get_name(type, name.data(), &length));
    EXPECT_STREQ(name.data(), "a pair");
    EXPECT_EQ(length, 6);
    const std::string longer(static_cast<std::size_t>(MPI_MAX_OBJECT_NAME) + 20, 'n');
    MPI_OK(MPI_Type_set_name(type, longer.c_str()));
    MPI_OK(MPI_Type_get_name(type, name.data(), &length));
    EXPECT_EQ(length, MPI_MAX_OBJECT_NAME - 1);
    MPI_OK(MPI_Type_free(&type));
    // Since MPI-4.0 the null handles have their names too.
    MPI_OK(MPI_Type_get_name(MPI_DATATYPE_NULL, name.data(), &length));
    EXPECT_STREQ(name.data(), "MPI_DATATYPE_NULL");
    MPI_OK(MPI_Comm_get_name(MPI_COMM_NULL, name.data(), &length));
    EXPECT_STREQ(name.data(), "MPI_COMM_NULL");
    EXPECT_EQ(length, 13);
    EXPECT_MPI_CLASS(MPI_Type_set_name(MPI_DATATYPE_NULL, "x"), MPI_ERR_TYPE);
    FATHOM_ONLY("checks pointers");
    EXPECT_MPI_CLASS(MPI_Type_set_name(MPI_INT, nullptr), MPI_ERR_ARG);
}

}  // namespace
