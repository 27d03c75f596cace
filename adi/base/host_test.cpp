#include "adi/base/host.hpp"

#include <gtest/gtest.h>

namespace adi {
namespace {

TEST(Cpus, AtLeastOne) {
    EXPECT_GE(available_cpus(), 1);
}

}  // namespace
}  // namespace adi
