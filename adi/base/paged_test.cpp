#include "adi/base/paged.hpp"

#include <gtest/gtest.h>

namespace adi {
namespace {

struct Element {
    int number = 7;
    bool odd = false;
};

TEST(Paged, WhatNobodyChangedIsAsItWasMade) {
    Paged<Element> array;
    array.resize(1000);
    EXPECT_EQ(array.size(), 1000U);
    for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ(array[i].number, 7);
}

TEST(Paged, AChangeIsOfOneElementAlone) {
    Paged<Element> array;
    array.resize(1000);
    Element& changed = array.at(500);
    changed.number = 8;
    for (std::size_t i = 0; i < 1000; i += 3) array.at(i).odd = true;
    EXPECT_EQ(&array.at(500), &changed) << "an element moved";
    for (std::size_t i = 0; i < 1000; ++i) {
        EXPECT_EQ(array[i].number, i == 500 ? 8 : 7) << i;
        EXPECT_EQ(array[i].odd, i % 3 == 0) << i;
    }
}

TEST(Paged, ItOwnsWhatItHolds) {
    const auto held = std::make_shared<int>(1);
    Paged<std::shared_ptr<int>> array;
    array.resize(200);
    array.at(199) = held;
    EXPECT_EQ(array[199], held);
    EXPECT_EQ(array[198], nullptr);
    array.clear();
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_EQ(array.size(), 0U);
}

}  // namespace
}  // namespace adi
