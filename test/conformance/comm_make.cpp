// Communicators made by a part of the processes, or by where they run.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "test/conformance/errors.hpp"

namespace {

using mpitest::to_int;

class Make : public errors::ErrorTest {
  protected:
    // The group of the ranks first, first + stride, … of comm().
    MPI_Group group_of(int first, int stride) const {
        MPI_Group all = MPI_GROUP_NULL, some = MPI_GROUP_NULL;
        EXPECT_MPI_OK(MPI_Comm_group(comm(), &all));
        int range[1][3] = {{first, size() - 1, stride}};
        EXPECT_MPI_OK(MPI_Group_range_incl(all, 1, range, &some));
        EXPECT_MPI_OK(MPI_Group_free(&all));
        return some;
    }
};

void expect_usable(MPI_Comm comm, int expected_size) {
    int size = -1, sum = 0;
    EXPECT_MPI_OK(MPI_Comm_size(comm, &size));
    EXPECT_EQ(size, expected_size);
    const int one = 1;
    EXPECT_MPI_OK(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm));
    EXPECT_EQ(sum, expected_size);
}

TEST_F(Make, DupWithInfo) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup_with_info(comm(), MPI_INFO_NULL, &copy));
    expect_usable(copy, size());
    MPI_OK(MPI_Comm_free(&copy));
    MPI_Info info = MPI_INFO_NULL;
    MPI_OK(MPI_Info_create(&info));
    MPI_OK(MPI_Info_set(info, "no_such_hint", "true"));
    MPI_OK(MPI_Comm_dup_with_info(comm(), info, &copy));
    MPI_OK(MPI_Info_free(&info));
    expect_usable(copy, size());
    MPI_OK(MPI_Comm_free(&copy));
}

TEST_F(Make, Idup) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Comm_idup(comm(), &copy, &request));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    expect_usable(copy, size());
    int result = -1;
    MPI_OK(MPI_Comm_compare(comm(), copy, &result));
    EXPECT_EQ(result, MPI_CONGRUENT);
    MPI_OK(MPI_Comm_free(&copy));
}

// Several are under way at a time, on one communicator and on others, and blocking calls beside
// them; ranks complete them in different orders.
TEST_F(Make, ManyIdups) {
    constexpr std::size_t kMany = 12;
    MPI_Comm half = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_split(comm(), rank() % 2, 0, &half));
    std::vector<MPI_Comm> copies(kMany, MPI_COMM_NULL);
    std::vector<MPI_Request> requests(kMany, MPI_REQUEST_NULL);
    for (std::size_t i = 0; i < kMany; ++i) {
        // The odd ranks begin with their half, the others with all.
        const bool of_half = (i % 2 == 0) == (rank() % 2 == 1);
        MPI_OK(MPI_Comm_idup_with_info(of_half ? half : comm(), MPI_INFO_NULL, &copies[i],
                                       &requests[i]));
    }
    MPI_Comm blocking = MPI_COMM_NULL, self = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(MPI_COMM_SELF, &self));
    MPI_OK(MPI_Comm_dup(comm(), &blocking));
    expect_usable(blocking, size());
    if (rank() % 2 == 0) std::reverse(requests.begin(), requests.end());
    for (MPI_Request& request : requests) MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    const int half_size = (size() + 1 - rank() % 2) / 2;
    for (const bool of_half : {true, false}) {
        for (std::size_t i = 0; i < kMany; ++i) {
            if (of_half == ((i % 2 == 0) == (rank() % 2 == 1))) {
                expect_usable(copies[i], of_half ? half_size : size());
            }
        }
    }
    for (MPI_Comm& copy : copies) MPI_OK(MPI_Comm_free(&copy));
    MPI_OK(MPI_Comm_free(&blocking));
    MPI_OK(MPI_Comm_free(&self));
    MPI_OK(MPI_Comm_free(&half));
}

TEST_F(Make, IdupErrors) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_Request request = MPI_REQUEST_NULL;
    run({
        {"comm", MPI_ERR_COMM, [&] { return MPI_Comm_idup(MPI_COMM_NULL, &copy, &request); }},
        {"newcomm", MPI_ERR_ARG, [&] { return MPI_Comm_idup(comm(), nullptr, &request); },
         errors::For::kFathom},
        {"request", MPI_ERR_ARG, [&] { return MPI_Comm_idup(comm(), &copy, nullptr); },
         errors::For::kFathom},
    });
}

TEST_F(Make, CreateGroupByItsMembersAlone) {
    // Both halves at a time with one tag; the odd ranks do it more often than the even ones.
    MPI_Group mine = group_of(rank() % 2, 2);
    const int expected = (size() + 1 - rank() % 2) / 2;
    for (int i = 0; i < (rank() % 2 == 0 ? 3 : 20); ++i) {
        MPI_Comm made = MPI_COMM_NULL;
        MPI_OK(MPI_Comm_create_group(comm(), mine, i % 3, &made));
        expect_usable(made, expected);
        MPI_OK(MPI_Comm_free(&made));
    }
    MPI_OK(MPI_Group_free(&mine));
}

TEST_F(Make, CreateGroupOfAllInAnotherOrder) {
    MPI_Group all = MPI_GROUP_NULL, reversed = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(comm(), &all));
    int range[1][3] = {{size() - 1, 0, -1}};
    MPI_OK(MPI_Group_range_incl(all, 1, range, &reversed));
    MPI_Comm made = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_create_group(comm(), reversed, mpitest::tag_ub(), &made));
    MPI_OK(MPI_Group_free(&reversed));
    MPI_OK(MPI_Group_free(&all));
    int at = -1;
    MPI_OK(MPI_Comm_rank(made, &at));
    EXPECT_EQ(at, size() - 1 - rank());
    expect_usable(made, size());
    MPI_OK(MPI_Comm_free(&made));
}

// A message of the user's with the same tag is not taken for one of the library's.
TEST_F(Make, CreateGroupBesideMessages) {
    const int out = rank();
    int in = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Isend(&out, 1, MPI_INT, next(), 5, comm(), &request));
    MPI_Group all = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(comm(), &all));
    MPI_Comm made = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_create_group(comm(), all, 5, &made));
    expect_usable(made, size());
    MPI_OK(MPI_Recv(&in, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), MPI_STATUS_IGNORE));
    EXPECT_EQ(in, previous());
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    MPI_OK(MPI_Comm_free(&made));
    MPI_OK(MPI_Group_free(&all));
}

TEST_F(Make, CreateGroupWithoutThisProcess) {
    FATHOM_ONLY("others get MPI_COMM_NULL");
    MPI_Comm made = MPI_COMM_WORLD;
    MPI_OK(MPI_Comm_create_group(comm(), MPI_GROUP_EMPTY, 0, &made));
    EXPECT_EQ(made, MPI_COMM_NULL);
}

TEST_F(Make, CreateGroupErrors) {
    MPI_Group all = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(comm(), &all));
    MPI_Comm out = MPI_COMM_NULL;
    run({
        {"comm", MPI_ERR_COMM, [&] { return MPI_Comm_create_group(MPI_COMM_NULL, all, 0, &out); }},
        {"group", MPI_ERR_GROUP,
         [&] { return MPI_Comm_create_group(comm(), MPI_GROUP_NULL, 0, &out); }},
        {"tag", MPI_ERR_TAG, [&] { return MPI_Comm_create_group(comm(), all, -1, &out); }},
        {"newcomm", MPI_ERR_ARG, [&] { return MPI_Comm_create_group(comm(), all, 0, nullptr); },
         errors::For::kFathom},
    });
    if (size() > 1) {
        EXPECT_MPI_CLASS(MPI_Comm_create_group(MPI_COMM_SELF, all, 0, &out), MPI_ERR_GROUP);
    }
    MPI_OK(MPI_Group_free(&all));
}

class SplitType : public Make {
  protected:
    MPI_Comm split(int type, MPI_Info info = MPI_INFO_NULL) const {
        MPI_Comm made = MPI_COMM_WORLD;
        EXPECT_MPI_OK(MPI_Comm_split_type(comm(), type, -rank(), info, &made));
        return made;
    }
    MPI_Comm split(int type, const char* key, const char* value) const {
        MPI_Info info = MPI_INFO_NULL;
        EXPECT_MPI_OK(MPI_Info_create(&info));
        EXPECT_MPI_OK(MPI_Info_set(info, key, value));
        MPI_Comm made = split(type, info);
        EXPECT_MPI_OK(MPI_Info_free(&info));
        return made;
    }
};

// The ranks of the world that share memory with this one: those of its host, or itself alone where
// a job is told to go without shared memory. FATHOM_TEST_HOSTS says how many ranks each host has in
// turn; else all are on one.
struct Mates {
    int first = 0;
    int count = 1;
};
Mates mates_of(int rank, int size) {
    const char* devices = std::getenv("FATHOM_DEVICE");
    if (devices != nullptr && *devices != '\0' && std::strstr(devices, "shm") == nullptr)
        return {rank, 1};
    const char* hosts = std::getenv("FATHOM_TEST_HOSTS");
    if (hosts == nullptr) return {0, size};
    std::istringstream counts(hosts);
    Mates mates{0, 0};
    while (rank >= mates.first + mates.count && counts >> std::ws) {
        mates.first += mates.count;
        counts >> mates.count;
        counts.ignore(1, ',');
    }
    return mates;
}

TEST_F(SplitType, Shared) {
    FATHOM_ONLY("these tests know where they run");
    MPI_Comm made = split(MPI_COMM_TYPE_SHARED);
    int at = -1;
    MPI_OK(MPI_Comm_rank(made, &at));
    const Mates mates = mates_of(rank(), size());
    EXPECT_EQ(at, mates.first + mates.count - 1 - rank());  // ordered by the key
    expect_usable(made, mates.count);
    MPI_OK(MPI_Comm_free(&made));
}

TEST_F(SplitType, UndefinedOnSome) {
    FATHOM_ONLY("these tests know where they run");
    MPI_Comm made = split(rank() == 0 ? MPI_UNDEFINED : MPI_COMM_TYPE_SHARED);
    ASSERT_EQ(made == MPI_COMM_NULL, rank() == 0);
    if (made == MPI_COMM_NULL) return;
    const Mates mates = mates_of(rank(), size());
    expect_usable(made, mates.count - (mates.first == 0 ? 1 : 0));
    MPI_OK(MPI_Comm_free(&made));
}

TEST_F(SplitType, GuidedByHardware) {
    const char* const key = "mpi_hw_resource_type";
    EXPECT_EQ(split(MPI_COMM_TYPE_HW_GUIDED), MPI_COMM_NULL);
    EXPECT_EQ(split(MPI_COMM_TYPE_HW_GUIDED, key, "no such thing"), MPI_COMM_NULL);
    FATHOM_ONLY("these tests know where they run");
    for (const int type : {MPI_COMM_TYPE_HW_GUIDED, MPI_COMM_TYPE_RESOURCE_GUIDED}) {
        MPI_Comm made = split(type, key, "mpi_shared_memory");
        expect_usable(made, mates_of(rank(), size()).count);
        MPI_OK(MPI_Comm_free(&made));
    }
    // Where the processes are bound decides; what comes works.
    for (const char* part : {"Package", "hwloc://NUMANode", "Core", "PU"}) {
        MPI_Comm made = split(MPI_COMM_TYPE_HW_GUIDED, key, part);
        if (made == MPI_COMM_NULL) continue;
        int made_size = 0;
        MPI_OK(MPI_Comm_size(made, &made_size));
        expect_usable(made, made_size);
        MPI_OK(MPI_Comm_free(&made));
    }
}

TEST_F(SplitType, UnguidedGivesSmallerOnes) {
    MPI_Info info = MPI_INFO_NULL;
    MPI_OK(MPI_Info_create(&info));
    MPI_Comm made = split(MPI_COMM_TYPE_HW_UNGUIDED, info);
    if (made != MPI_COMM_NULL) {
        int made_size = 0, length = 100, flag = 0;
        char value[100];
        MPI_OK(MPI_Comm_size(made, &made_size));
        EXPECT_LT(made_size, size());
        MPI_OK(MPI_Info_get_string(info, "mpi_hw_resource_type", &length, value, &flag));
        EXPECT_EQ(flag, 1);
        MPI_OK(MPI_Comm_free(&made));
    }
    MPI_OK(MPI_Info_free(&info));
}

TEST_F(SplitType, GuidedByProcessSet) {
    FATHOM_ONLY("process sets in MPI_Comm_split_type");
    const char* const key = "mpi_pset_name";
    for (const bool self : {true, false}) {
        MPI_Comm made =
            split(MPI_COMM_TYPE_RESOURCE_GUIDED, key, self ? "mpi://SELF" : "mpi://WORLD");
        expect_usable(made, self ? 1 : size());
        MPI_OK(MPI_Comm_free(&made));
    }
    EXPECT_EQ(split(MPI_COMM_TYPE_RESOURCE_GUIDED, key, "mpi://nobody"), MPI_COMM_NULL);
    EXPECT_EQ(split(MPI_COMM_TYPE_RESOURCE_GUIDED), MPI_COMM_NULL);
}

TEST_F(SplitType, Errors) {
    MPI_Comm out = MPI_COMM_NULL;
    run({
        {"type", MPI_ERR_ARG,
         [&] { return MPI_Comm_split_type(comm(), 4711, 0, MPI_INFO_NULL, &out); }},
        {"comm", MPI_ERR_COMM,
         [&] {
             return MPI_Comm_split_type(MPI_COMM_NULL, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL,
                                        &out);
         }},
        {"newcomm", MPI_ERR_ARG,
         [&] {
             return MPI_Comm_split_type(comm(), MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, nullptr);
         },
         errors::For::kFathom},
    });
}

}  // namespace
