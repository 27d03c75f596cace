// Info objects: what is set can be got, in order, up to the longest strings; errors.
#include <array>
#include <climits>
#include <cstring>

#include "test/conformance/errors.hpp"

namespace {

class InfoObject : public mpitest::MpiTest {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        MPI_OK(MPI_Info_create(&info_));
    }
    void TearDown() override {
        MPI_OK(MPI_Info_free(&info_));
        EXPECT_TRUE(info_ == MPI_INFO_NULL);
        MpiTest::TearDown();
    }
    MPI_Info info() const { return info_; }
    void set(const std::string& key, const std::string& value) {
        EXPECT_MPI_OK(MPI_Info_set(info_, key.c_str(), value.c_str()));
    }
    /// "-" when the key is not there.
    static std::string get(MPI_Info info, const std::string& key) {
        std::vector<char> value(MPI_MAX_INFO_VAL, '?');
        int flag = -1;
        EXPECT_MPI_OK(MPI_Info_get(info, key.c_str(), MPI_MAX_INFO_VAL - 1, value.data(), &flag));
        return flag != 0 ? value.data() : "-";
    }
    static int nkeys(MPI_Info info) {
        int n = -1;
        EXPECT_MPI_OK(MPI_Info_get_nkeys(info, &n));
        return n;
    }

  private:
    MPI_Info info_ = MPI_INFO_NULL;
};

TEST_F(InfoObject, SetGetReplaceDelete) {
    EXPECT_EQ(nkeys(info()), 0);
    EXPECT_EQ(get(info(), "a"), "-");
    set("a", "1");
    set("b", "two words");
    set("a", "3");
    EXPECT_EQ(nkeys(info()), 2);
    EXPECT_EQ(get(info(), "a"), "3");
    EXPECT_EQ(get(info(), "b"), "two words");
    EXPECT_EQ(get(info(), "A"), "-") << "keys are case sensitive";
    MPI_OK(MPI_Info_delete(info(), "a"));
    EXPECT_EQ(nkeys(info()), 1);
    EXPECT_EQ(get(info(), "a"), "-");
}

TEST_F(InfoObject, KeysAreNumberedInOneOrder) {
    for (int i = 0; i < 20; ++i) set("key" + std::to_string(i), std::to_string(i));
    MPI_OK(MPI_Info_delete(info(), "key7"));
    std::vector<std::string> keys;
    for (int i = 0; i < 19; ++i) {
        std::array<char, MPI_MAX_INFO_KEY> key{};
        MPI_OK(MPI_Info_get_nthkey(info(), i, key.data()));
        keys.emplace_back(key.data());
        std::array<char, MPI_MAX_INFO_KEY> again{};
        MPI_OK(MPI_Info_get_nthkey(info(), i, again.data()));
        EXPECT_STREQ(key.data(), again.data());
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(std::count(keys.begin(), keys.end(), "key" + std::to_string(i)), i == 7 ? 0 : 1);
    }
}

TEST_F(InfoObject, WhiteSpaceIsPartOfKeyAndValueInC) {
    set(" key ", "  value\t");
    EXPECT_EQ(get(info(), " key "), "  value\t");
    EXPECT_EQ(get(info(), "key"), "-");
    set("empty", "");
    EXPECT_EQ(get(info(), "empty"), "");
}

TEST_F(InfoObject, ShortBuffersCutTheValue) {
    set("key", "abcdef");
    std::array<char, 8> value{};
    value.fill('?');
    int flag = 0;
    MPI_OK(MPI_Info_get(info(), "key", 3, value.data(), &flag));
    EXPECT_STREQ(value.data(), "abc");
    EXPECT_EQ(value[4], '?');
    int length = 4;
    value.fill('?');
    MPI_OK(MPI_Info_get_string(info(), "key", &length, value.data(), &flag));
    EXPECT_NE(flag, 0);
    EXPECT_STREQ(value.data(), "abc");
    EXPECT_EQ(value[4], '?');
    EXPECT_EQ(length, 7) << "what it needs, with the terminating zero";
    length = 0;
    MPI_OK(MPI_Info_get_string(info(), "key", &length, value.data(), &flag));
    EXPECT_STREQ(value.data(), "abc") << "no room: nothing written";
    EXPECT_EQ(length, 7);
    MPI_OK(MPI_Info_get_string(info(), "key", &length, value.data(), &flag));
    EXPECT_STREQ(value.data(), "abcdef");
}

TEST_F(InfoObject, AbsentKeysChangeNothing) {
    std::array<char, 4> value{'x', 'y', 'z', 0};
    int flag = -1;
    int length = 4;
    MPI_OK(MPI_Info_get(info(), "absent", 3, value.data(), &flag));
    EXPECT_EQ(flag, 0);
    MPI_OK(MPI_Info_get_string(info(), "absent", &length, value.data(), &flag));
    EXPECT_EQ(flag, 0);
    EXPECT_EQ(length, 4);
    length = 77;
    MPI_OK(MPI_Info_get_valuelen(info(), "absent", &length, &flag));
    EXPECT_EQ(flag, 0);
    EXPECT_EQ(length, 77);
    EXPECT_STREQ(value.data(), "xyz");
}

TEST_F(InfoObject, TheLongestKeyAndValue) {
    const std::string key(MPI_MAX_INFO_KEY - 1, 'k');
    const std::string value(MPI_MAX_INFO_VAL - 1, 'v');
    set(key, value);
    EXPECT_EQ(get(info(), key), value);
    int length = 0;
    int flag = 0;
    MPI_OK(MPI_Info_get_valuelen(info(), key.c_str(), &length, &flag));
    EXPECT_NE(flag, 0);
    EXPECT_EQ(length, MPI_MAX_INFO_VAL - 1);
    std::array<char, MPI_MAX_INFO_KEY> found{};
    MPI_OK(MPI_Info_get_nthkey(info(), 0, found.data()));
    EXPECT_EQ(key, found.data());
}

TEST_F(InfoObject, ACopyIsItsOwn) {
    set("a", "1");
    set("b", "2");
    MPI_Info copy = MPI_INFO_NULL;
    MPI_OK(MPI_Info_dup(info(), &copy));
    ASSERT_FALSE(copy == info());
    set("a", "changed");
    MPI_OK(MPI_Info_delete(info(), "b"));
    EXPECT_EQ(nkeys(copy), 2);
    EXPECT_EQ(get(copy, "a"), "1");
    EXPECT_EQ(get(copy, "b"), "2");
    std::array<char, MPI_MAX_INFO_KEY> first{};
    MPI_OK(MPI_Info_get_nthkey(copy, 0, first.data()));
    EXPECT_STREQ(first.data(), "a") << "in the same order";
    MPI_OK(MPI_Info_free(&copy));
}

TEST_F(InfoObject, TheStartIsDescribed) {
    SKIP_ON_PEER(kOpenMpi, "other keys");
    EXPECT_NE(get(MPI_INFO_ENV, "command"), "-");
    FATHOM_ONLY("the keys that it knows");
    EXPECT_EQ(get(MPI_INFO_ENV, "maxprocs"), std::to_string(size()));
    EXPECT_NE(get(MPI_INFO_ENV, "host"), "-");
    EXPECT_NE(get(MPI_INFO_ENV, "wdir"), "-");
    EXPECT_NE(get(MPI_INFO_ENV, "arch"), "-");
    std::array<char, 8> name{"program"};
    std::array<char, 4> one{"one"};
    std::array<char, 4> two{"two"};
    std::array<char*, 4> argv{name.data(), one.data(), two.data(), nullptr};
    MPI_Info env = MPI_INFO_NULL;
    MPI_OK(MPI_Info_create_env(3, argv.data(), &env));
    EXPECT_EQ(get(env, "command"), "program");
    EXPECT_EQ(get(env, "argv"), "one two");
    EXPECT_EQ(get(env, "maxprocs"), std::to_string(size()));
    MPI_OK(MPI_Info_free(&env));
    MPI_OK(MPI_Info_create_env(0, nullptr, &env));
    EXPECT_EQ(get(env, "command"), get(MPI_INFO_ENV, "command"));
    MPI_OK(MPI_Info_free(&env));
}

class InfoErrors : public errors::ErrorTest {};

TEST_F(InfoErrors, EachClass) {
    using errors::For;
    MPI_Info good = MPI_INFO_NULL;
    MPI_OK(MPI_Info_create(&good));
    MPI_OK(MPI_Info_set(good, "a", "1"));
    MPI_Info freed = MPI_INFO_NULL;
    MPI_OK(MPI_Info_dup(good, &freed));
    MPI_Info other = freed;
    MPI_OK(MPI_Info_free(&other));
    MPI_Info null = MPI_INFO_NULL;
    MPI_Info env = MPI_INFO_ENV;
    MPI_Info result = MPI_INFO_NULL;
    const std::string long_key(MPI_MAX_INFO_KEY, 'k');
    const std::string long_value(MPI_MAX_INFO_VAL, 'v');
    std::vector<char> text(MPI_MAX_INFO_VAL);
    int n = 4;
    int flag = 0;
    char* const out = text.data();
    run({
        {"set on null", MPI_ERR_INFO, [&] { return MPI_Info_set(null, "a", "b"); }},
        {"set on freed", MPI_ERR_INFO, [&] { return MPI_Info_set(freed, "a", "b"); }, For::kFathom},
        {"set on the environment", MPI_ERR_INFO, [&] { return MPI_Info_set(env, "a", "b"); },
         For::kFathom},
        {"set empty key", MPI_ERR_INFO_KEY, [&] { return MPI_Info_set(good, "", "b"); }},
        {"set long key", MPI_ERR_INFO_KEY,
         [&] { return MPI_Info_set(good, long_key.c_str(), "b"); }},
        {"set long value", MPI_ERR_INFO_VALUE,
         [&] { return MPI_Info_set(good, "a", long_value.c_str()); }},
        {"set null key", MPI_ERR_ARG, [&] { return MPI_Info_set(good, nullptr, "b"); },
         For::kFathom},
        {"set null value", MPI_ERR_ARG, [&] { return MPI_Info_set(good, "a", nullptr); },
         For::kFathom},
        {"delete absent", MPI_ERR_INFO_NOKEY, [&] { return MPI_Info_delete(good, "b"); }},
        {"delete long key", MPI_ERR_INFO_KEY,
         [&] { return MPI_Info_delete(good, long_key.c_str()); }},
        {"delete of null", MPI_ERR_INFO, [&] { return MPI_Info_delete(null, "a"); }},
        {"get of null", MPI_ERR_INFO, [&] { return MPI_Info_get(null, "a", 3, out, &flag); }},
        {"get long key", MPI_ERR_INFO_KEY,
         [&] { return MPI_Info_get(good, long_key.c_str(), 3, out, &flag); }},
        {"get negative length", MPI_ERR_ARG,
         [&] { return MPI_Info_get(good, "a", -1, out, &flag); }},
        {"get to null", MPI_ERR_ARG, [&] { return MPI_Info_get(good, "a", 3, nullptr, &flag); },
         For::kFathom},
        {"get_string to null", MPI_ERR_ARG,
         [&] { return MPI_Info_get_string(good, "a", &n, nullptr, &flag); }, For::kFathom},
        {"get_valuelen of null", MPI_ERR_INFO,
         [&] { return MPI_Info_get_valuelen(null, "a", &n, &flag); }},
        {"nkeys of null", MPI_ERR_INFO, [&] { return MPI_Info_get_nkeys(null, &n); }},
        {"nthkey of null", MPI_ERR_INFO, [&] { return MPI_Info_get_nthkey(null, 0, out); }},
        {"nthkey beyond", MPI_ERR_ARG, [&] { return MPI_Info_get_nthkey(good, 1, out); }},
        {"nthkey below", MPI_ERR_ARG, [&] { return MPI_Info_get_nthkey(good, -1, out); }},
        {"dup of null", MPI_ERR_INFO, [&] { return MPI_Info_dup(null, &result); }},
        {"free of null", MPI_ERR_INFO, [&] { return MPI_Info_free(&null); }},
        {"free of freed", MPI_ERR_INFO, [&] { return MPI_Info_free(&freed); }, For::kFathom},
        {"free of the environment", MPI_ERR_INFO, [&] { return MPI_Info_free(&env); },
         For::kFathom},
    });
    MPI_OK(MPI_Info_get_nkeys(good, &n));
    EXPECT_EQ(n, 1) << "a failed call has changed the object";
    MPI_OK(MPI_Info_free(&good));
}

}  // namespace
