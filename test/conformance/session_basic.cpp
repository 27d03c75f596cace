// Sessions: process sets, communicators without a parent, error handlers, beside the World Model.
#include <algorithm>
#include <array>
#include <cstring>

#include "test/conformance/errors.hpp"

namespace {

class Sessions : public errors::ErrorTest {
  protected:
    void SetUp() override {
        ErrorTest::SetUp();
        MPI_OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session_));
    }
    void TearDown() override {
        MPI_OK(MPI_Session_finalize(&session_));
        EXPECT_TRUE(session_ == MPI_SESSION_NULL);
        ErrorTest::TearDown();
    }
    MPI_Session session() const { return session_; }
    MPI_Group group_of(const char* set) {
        MPI_Group group = MPI_GROUP_NULL;
        EXPECT_MPI_OK(MPI_Group_from_session_pset(session_, set, &group));
        return group;
    }
    /// All ranks add up their ranks on it.
    static void expect_usable(MPI_Comm comm, int size) {
        int sum = 0;
        int rank = -1;
        int its_size = 0;
        MPI_OK(MPI_Comm_rank(comm, &rank));
        MPI_OK(MPI_Comm_size(comm, &its_size));
        EXPECT_EQ(its_size, size);
        MPI_OK(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, comm));
        EXPECT_EQ(sum, size * (size - 1) / 2);
    }

  private:
    MPI_Session session_ = MPI_SESSION_NULL;
};

TEST_F(Sessions, ProcessSets) {
    int sets = 0;
    MPI_OK(MPI_Session_get_num_psets(session(), MPI_INFO_NULL, &sets));
    ASSERT_GE(sets, 2);
    std::vector<std::string> names;
    for (int i = 0; i < sets; ++i) {
        int length = 0;
        MPI_OK(MPI_Session_get_nth_pset(session(), MPI_INFO_NULL, i, &length, nullptr));
        ASSERT_GT(length, 1);
        std::vector<char> name(static_cast<std::size_t>(length), '?');
        MPI_OK(MPI_Session_get_nth_pset(session(), MPI_INFO_NULL, i, &length, name.data()));
        EXPECT_EQ(std::strlen(name.data()) + 1, name.size());
        names.emplace_back(name.data());
        std::array<char, 4> cut{'?', '?', '?', '?'};
        length = 3;
        MPI_OK(MPI_Session_get_nth_pset(session(), MPI_INFO_NULL, i, &length, cut.data()));
        EXPECT_EQ(names.back().substr(0, 2), cut.data());
        EXPECT_EQ(cut[3], '?');

        MPI_Info info = MPI_INFO_NULL;
        MPI_OK(MPI_Session_get_pset_info(session(), names.back().c_str(), &info));
        std::array<char, 16> size_text{};
        int flag = 0;
        MPI_OK(MPI_Info_get(info, "mpi_size", 15, size_text.data(), &flag));
        EXPECT_NE(flag, 0);
        MPI_Group group = group_of(names.back().c_str());
        int group_size = 0;
        MPI_OK(MPI_Group_size(group, &group_size));
        EXPECT_EQ(std::to_string(group_size), size_text.data());
        MPI_OK(MPI_Group_free(&group));
        MPI_OK(MPI_Info_free(&info));
    }
    EXPECT_EQ(std::count(names.begin(), names.end(), "mpi://WORLD"), 1);
    EXPECT_EQ(std::count(names.begin(), names.end(), "mpi://SELF"), 1);
}

TEST_F(Sessions, GroupsAreThoseOfTheWorld) {
    MPI_Group world = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(MPI_COMM_WORLD, &world));
    MPI_Group all = group_of("mpi://WORLD");
    MPI_Group self = group_of("mpi://self");  // in any case
    int result = MPI_UNEQUAL;
    MPI_OK(MPI_Group_compare(world, all, &result));
    EXPECT_EQ(result, MPI_IDENT);
    int mine = -1;
    const int zero = 0;
    MPI_OK(MPI_Group_translate_ranks(self, 1, &zero, world, &mine));
    EXPECT_EQ(mine, rank());
    for (MPI_Group* each : {&world, &all, &self}) MPI_OK(MPI_Group_free(each));
}

TEST_F(Sessions, CommunicatorsFromGroups) {
    MPI_Group all = group_of("mpi://WORLD");
    MPI_Comm world = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_create_from_group(all, "one", MPI_INFO_NULL, MPI_ERRORS_RETURN, &world));
    expect_usable(world, size());
    // Another one of the same group and tag, after the first.
    MPI_Comm again = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_create_from_group(all, "one", MPI_INFO_NULL, MPI_ERRORS_RETURN, &again));
    int result = MPI_IDENT;
    MPI_OK(MPI_Comm_compare(world, again, &result));
    EXPECT_EQ(result, MPI_CONGRUENT);
    // Messages of the two do not mix.
    int first = 1;
    int second = 2;
    std::array<MPI_Request, 2> sends{};
    MPI_OK(MPI_Isend(&first, 1, MPI_INT, next(), 0, world, &sends[0]));
    MPI_OK(MPI_Isend(&second, 1, MPI_INT, next(), 0, again, &sends[1]));
    int got = 0;
    MPI_OK(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, again, MPI_STATUS_IGNORE));
    EXPECT_EQ(got, 2);
    MPI_OK(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, world, MPI_STATUS_IGNORE));
    EXPECT_EQ(got, 1);
    MPI_OK(MPI_Waitall(2, sends.data(), MPI_STATUSES_IGNORE));
    MPI_Group self = group_of("mpi://SELF");
    MPI_Comm alone = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_create_from_group(self, "self", MPI_INFO_NULL, MPI_ERRORS_RETURN, &alone));
    expect_usable(alone, 1);
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    MPI_OK(MPI_Comm_get_errhandler(alone, &handler));
    EXPECT_TRUE(handler == MPI_ERRORS_RETURN);
    for (MPI_Comm* each : {&world, &again, &alone}) MPI_OK(MPI_Comm_free(each));
    for (MPI_Group* each : {&all, &self}) MPI_OK(MPI_Group_free(each));
    MPI_Comm none = MPI_COMM_WORLD;
    MPI_OK(MPI_Comm_create_from_group(MPI_GROUP_EMPTY, "none", MPI_INFO_NULL, MPI_ERRORS_RETURN,
                                      &none));
    EXPECT_TRUE(none == MPI_COMM_NULL);
}

// Halves that know nothing of each other, and no process of the other half takes part.
TEST_F(Sessions, PartsOfTheWorld) {
    NEED_RANKS(2);
    MPI_Group all = group_of("mpi://WORLD");
    const int split = size() / 2;
    const bool low = rank() < split;
    std::array<std::array<int, 3>, 1> range{{{low ? 0 : split, low ? split - 1 : size() - 1, 1}}};
    MPI_Group half = MPI_GROUP_NULL;
    MPI_OK(MPI_Group_range_incl(all, 1, reinterpret_cast<int(*)[3]>(range.data()), &half));
    if (low) {
        MPI_Comm comm = MPI_COMM_NULL;
        MPI_OK(MPI_Comm_create_from_group(half, "low", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
        expect_usable(comm, split);
        MPI_OK(MPI_Comm_free(&comm));
    }
    MPI_OK(MPI_Barrier(this->comm()));
    // And the two together.
    MPI_Group other = MPI_GROUP_NULL;
    MPI_OK(MPI_Group_difference(all, half, &other));
    MPI_Comm inter = MPI_COMM_NULL;
    MPI_OK(MPI_Intercomm_create_from_groups(half, 0, other, 0, "both", MPI_INFO_NULL,
                                            MPI_ERRORS_RETURN, &inter));
    int flag = 0;
    int remote = 0;
    MPI_OK(MPI_Comm_test_inter(inter, &flag));
    EXPECT_NE(flag, 0);
    MPI_OK(MPI_Comm_remote_size(inter, &remote));
    EXPECT_EQ(remote, low ? size() - split : split);
    int mine = -1;
    MPI_OK(MPI_Comm_rank(inter, &mine));
    int got = -1;
    if (mine < remote && mine < (low ? split : size() - split)) {
        MPI_OK(MPI_Sendrecv(&mine, 1, MPI_INT, mine, 3, &got, 1, MPI_INT, mine, 3, inter,
                            MPI_STATUS_IGNORE));
        EXPECT_EQ(got, mine);
    }
    MPI_OK(MPI_Comm_free(&inter));
    for (MPI_Group* each : {&all, &half, &other}) MPI_OK(MPI_Group_free(each));
}

TEST_F(Sessions, SeveralAtATime) {
    MPI_Info info = MPI_INFO_NULL;
    MPI_OK(MPI_Info_create(&info));
    MPI_OK(MPI_Info_set(info, "thread_level", " MPI_THREAD_FUNNELED "));
    MPI_Session other = MPI_SESSION_NULL;
    MPI_OK(MPI_Session_init(info, MPI_ERRORS_RETURN, &other));
    EXPECT_FALSE(other == session());
    MPI_Info used = MPI_INFO_NULL;
    MPI_OK(MPI_Session_get_info(other, &used));
    std::array<char, 32> level{};
    int flag = 0;
    MPI_OK(MPI_Info_get(used, "thread_level", 31, level.data(), &flag));
    ASSERT_NE(flag, 0);
    EXPECT_STREQ(level.data(), "MPI_THREAD_FUNNELED");
    MPI_OK(MPI_Info_get(used, "mpi_memory_alloc_kinds", 31, level.data(), &flag));
    EXPECT_NE(flag, 0);
    MPI_OK(MPI_Info_free(&used));
    MPI_OK(MPI_Info_free(&info));
    MPI_OK(MPI_Session_finalize(&other));
    MPI_OK(MPI_Barrier(MPI_COMM_WORLD));
}

MPI_Session seen = MPI_SESSION_NULL;
int code_seen = MPI_SUCCESS;
void note(MPI_Session* session, int* code, ...) {
    seen = *session;
    code_seen = *code;
}

TEST_F(Sessions, ErrorHandlers) {
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    MPI_OK(MPI_Session_create_errhandler(note, &handler));
    MPI_OK(MPI_Session_set_errhandler(session(), handler));
    MPI_OK(MPI_Session_call_errhandler(session(), MPI_ERR_OTHER));
    EXPECT_TRUE(seen == session());
    EXPECT_EQ(code_seen, MPI_ERR_OTHER);
    MPI_Group group = MPI_GROUP_NULL;
    EXPECT_MPI_CLASS(MPI_Group_from_session_pset(session(), "no such set", &group), MPI_ERR_ARG);
    EXPECT_EQ(mpitest::class_of(code_seen), MPI_ERR_ARG);
    EXPECT_TRUE(group == MPI_GROUP_NULL);
    MPI_Errhandler current = MPI_ERRHANDLER_NULL;
    MPI_OK(MPI_Session_get_errhandler(session(), &current));
    EXPECT_TRUE(current == handler);
    MPI_OK(MPI_Errhandler_free(&current));
    // A failure of the start itself.
    MPI_Info info = MPI_INFO_NULL;
    MPI_OK(MPI_Info_create(&info));
    MPI_OK(MPI_Info_set(info, "thread_level", "nonsense"));
    MPI_Session none = MPI_SESSION_NULL;
    seen = session();
    EXPECT_MPI_CLASS(MPI_Session_init(info, handler, &none), MPI_ERR_INFO_VALUE);
    EXPECT_TRUE(seen == MPI_SESSION_NULL);
    EXPECT_TRUE(none == MPI_SESSION_NULL);
    MPI_OK(MPI_Info_free(&info));
    EXPECT_MPI_CLASS(MPI_Comm_set_errhandler(comm(), handler), MPI_ERR_ERRHANDLER);
    MPI_OK(MPI_Errhandler_free(&handler));
}

TEST_F(Sessions, EachErrorClass) {
    using errors::For;
    MPI_Session dead = MPI_SESSION_NULL;
    MPI_OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &dead));
    MPI_Session finalized = dead;
    MPI_OK(MPI_Session_finalize(&finalized));
    MPI_Session null = MPI_SESSION_NULL;
    int n = 0;
    MPI_Info info = MPI_INFO_NULL;
    MPI_Group group = MPI_GROUP_NULL;
    MPI_Comm made = MPI_COMM_NULL;
    MPI_Group self = group_of("mpi://SELF");
    const std::string long_tag(MPI_MAX_STRINGTAG_LEN, 't');
    const MPI_Errhandler errors_return = MPI_ERRORS_RETURN;
    const MPI_Info no_info = MPI_INFO_NULL;
    run({
        {"finalize null", MPI_ERR_SESSION, [&] { return MPI_Session_finalize(&null); }},
        {"finalize twice", MPI_ERR_SESSION, [&] { return MPI_Session_finalize(&dead); },
         For::kFathom},
        {"num_psets of null", MPI_ERR_SESSION,
         [&] { return MPI_Session_get_num_psets(null, no_info, &n); }},
        {"nth_pset beyond", MPI_ERR_ARG,
         [&] { return MPI_Session_get_nth_pset(session(), no_info, 99, &n, nullptr); }},
        {"nth_pset below", MPI_ERR_ARG,
         [&] { return MPI_Session_get_nth_pset(session(), no_info, -1, &n, nullptr); }},
        {"pset_info of no set", MPI_ERR_ARG,
         [&] { return MPI_Session_get_pset_info(session(), "nothing", &info); }},
        {"pset_info to null", MPI_ERR_ARG,
         [&] { return MPI_Session_get_pset_info(session(), nullptr, &info); }, For::kFathom},
        {"group of null session", MPI_ERR_SESSION,
         [&] { return MPI_Group_from_session_pset(null, "mpi://WORLD", &group); }},
        {"call_errhandler of null", MPI_ERR_SESSION,
         [&] { return MPI_Session_call_errhandler(null, MPI_ERR_ARG); }},
        {"set_errhandler null", MPI_ERR_ERRHANDLER,
         [&] { return MPI_Session_set_errhandler(session(), MPI_ERRHANDLER_NULL); }, For::kFathom},
        {"from null group", MPI_ERR_GROUP,
         [&] {
             return MPI_Comm_create_from_group(MPI_GROUP_NULL, "t", no_info, errors_return, &made);
         }},
        {"long tag", MPI_ERR_ARG,
         [&] {
             return MPI_Comm_create_from_group(self, long_tag.c_str(), no_info, errors_return,
                                               &made);
         },
         For::kFathom},
        {"intercommunicator with oneself", MPI_ERR_GROUP,
         [&] {
             return MPI_Intercomm_create_from_groups(self, 0, self, 0, "t", no_info, errors_return,
                                                     &made);
         },
         For::kFathom},
        {"intercommunicator with no group", MPI_ERR_GROUP,
         [&] {
             return MPI_Intercomm_create_from_groups(self, 0, MPI_GROUP_NULL, 0, "t", no_info,
                                                     errors_return, &made);
         },
         For::kFathom},
        {"local leader beyond", MPI_ERR_RANK,
         [&] {
             return MPI_Intercomm_create_from_groups(self, 1, self, 0, "t", no_info, errors_return,
                                                     &made);
         },
         For::kFathom},
    });
    EXPECT_TRUE(made == MPI_COMM_NULL);
    MPI_OK(MPI_Group_free(&self));
}

}  // namespace
