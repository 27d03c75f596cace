#include "adi/base/host.hpp"

#include <gtest/gtest.h>

namespace adi {
namespace {

TEST(ProcessMapping, OneNode) {
    EXPECT_EQ(parse_process_mapping("(vector,(0,1,4))", 4), (std::vector<int>{0, 0, 0, 0}));
}

TEST(ProcessMapping, SeveralBlocks) {
    EXPECT_EQ(parse_process_mapping("(vector,(0,2,2),(2,1,1))", 5),
              (std::vector<int>{0, 0, 1, 1, 2}));
}

TEST(ProcessMapping, MoreThanNeededIsCut) {
    EXPECT_EQ(parse_process_mapping("(vector,(0,1,8))", 2), (std::vector<int>{0, 0}));
}

TEST(ProcessMapping, AListThatEndsBeginsAnew) {
    EXPECT_EQ(parse_process_mapping("(vector,(0,2,1))", 5), (std::vector<int>{0, 1, 0, 1, 0}));
}

TEST(ProcessMapping, NonsenseGivesNothing) {
    for (const char* text :
         {"", "vector", "(vector", "(vector,(0,1))", "(vector,(0,0,4))", "(vector,(-1,1,4))",
          "(vector)", "(vector,(0,1,1)", "(matrix,(0,1,4))"}) {
        EXPECT_TRUE(parse_process_mapping(text, 4).empty()) << text;
    }
}

TEST(Cpus, AtLeastOne) {
    EXPECT_GE(available_cpus(), 1);
}

}  // namespace
}  // namespace adi
