#include "adi/engine/matcher.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <list>
#include <random>
#include <vector>

namespace adi {
namespace {

Header header(std::uint32_t context, std::int32_t source, std::int32_t tag) {
    Header h;
    h.context = context;
    h.source = source;
    h.tag = tag;
    return h;
}

Request receive(std::uint32_t context, std::int32_t source, std::int32_t tag) {
    Request r;
    r.receive = true;
    r.match = {context, source, tag};
    return r;
}

TEST(Matcher, TakesTheExactReceive) {
    Matcher m;
    Request a = receive(1, 2, 3), b = receive(1, 2, 4);
    m.post(a);
    m.post(b);
    EXPECT_EQ(m.take_posted(header(1, 2, 4)), &b);
    EXPECT_EQ(m.take_posted(header(1, 2, 4)), nullptr);
    EXPECT_EQ(m.take_posted(header(2, 2, 3)), nullptr);
    EXPECT_EQ(m.take_posted(header(1, 2, 3)), &a);
    EXPECT_EQ(m.posted(), 0U);
}

TEST(Matcher, EarlierWildcardComesFirst) {
    Matcher m;
    Request any = receive(1, kAnySource, 3), exact = receive(1, 2, 3);
    m.post(any);
    m.post(exact);
    EXPECT_EQ(m.take_posted(header(1, 2, 3)), &any);
    EXPECT_EQ(m.take_posted(header(1, 2, 3)), &exact);
}

TEST(Matcher, EarlierExactComesFirst) {
    Matcher m;
    Request exact = receive(1, 2, 3), any = receive(1, kAnySource, kAnyTag);
    m.post(exact);
    m.post(any);
    EXPECT_EQ(m.take_posted(header(1, 2, 3)), &exact);
    EXPECT_EQ(m.take_posted(header(1, 7, 9)), &any);
}

// A matcher, and plain lists that say what it has to do.
class Compared {
  public:
    void receive_one(Match match) {
        Request& r = storage_.emplace_back(receive(match.context, match.source, match.tag));
        const auto expected =
            std::ranges::find_if(arrived_, [&](auto* u) { return suits(match, u->header); });
        Unexpected* found = matcher_.find(match);
        ASSERT_EQ(found, expected == arrived_.end() ? nullptr : *expected);
        if (found != nullptr) {
            matcher_.remove(*found);
            arrived_.erase(expected);
        } else {
            matcher_.post(r);
            posted_.push_back(&r);
        }
    }
    void arrive(const Header& h) {
        const auto expected =
            std::ranges::find_if(posted_, [&](auto* r) { return suits(r->match, h); });
        Request* found = matcher_.take_posted(h);
        ASSERT_EQ(found, expected == posted_.end() ? nullptr : *expected);
        if (found != nullptr) {
            posted_.erase(expected);
        } else {
            Unexpected& u = messages_.emplace_back();
            u.header = h;
            matcher_.add(u);
            arrived_.push_back(&u);
        }
    }
    void expect_counts() const {
        ASSERT_EQ(matcher_.posted(), posted_.size());
        ASSERT_EQ(matcher_.unexpected(), arrived_.size());
    }
    std::size_t posted() const { return posted_.size(); }
    std::size_t arrived() const { return arrived_.size(); }

  private:
    static bool suits(const Match& w, const Header& h) {
        return w.context == h.context && (w.source == kAnySource || w.source == h.source) &&
               (w.tag == kAnyTag || w.tag == h.tag);
    }

    Matcher matcher_;
    std::deque<Request> storage_;
    std::list<Request*> posted_;
    std::deque<Unexpected> messages_;
    std::list<Unexpected*> arrived_;
};

// With collisions and wildcards at random; tables grow, and empty again.
TEST(Matcher, AgreesWithAPlainList) {
    std::mt19937 random(4711);
    const auto number = [&](int n) {
        return static_cast<std::int32_t>(random() % static_cast<unsigned>(n));
    };
    Compared both;
    // Mostly receives, mostly messages, and the same of each.
    for (const unsigned of_ten : {5U, 9U, 5U, 1U, 5U}) {
        for (int step = 0; step < 4000; ++step) {
            const auto context = static_cast<std::uint32_t>(number(2));
            if (random() % 10 < of_ten) {
                const std::int32_t tag = random() % 4 == 0 ? kAnyTag : number(300);
                both.receive_one({context, number(4) - 1, tag});
            } else {
                both.arrive(header(context, number(3), number(300)));
            }
            both.expect_counts();
            if (HasFatalFailure()) return;
        }
    }
}

TEST(Matcher, ThousandsQueued) {
    Compared both;
    for (std::int32_t i = 0; i < 1500; ++i) both.receive_one({1, i % 7, i});
    EXPECT_EQ(both.posted(), 1500U);
    for (std::int32_t i = 0; i < 3000; ++i) both.arrive(header(1, i % 7, 2999 - i));
    EXPECT_GT(both.arrived(), 1500U);
    while (both.arrived() > 0) {
        for (const std::int32_t source : {kAnySource, 0, 1, 2, 3, 4, 5, 6}) {
            both.receive_one({1, source, static_cast<std::int32_t>(both.arrived() * 5 % 3000)});
            both.receive_one({1, source, kAnyTag});
            if (HasFatalFailure()) return;
        }
    }
    both.expect_counts();
}

TEST(Matcher, RemovesWhatIsCancelled) {
    Matcher m;
    Request a = receive(1, 2, 3), b = receive(1, kAnySource, 3);
    m.post(a);
    m.post(b);
    m.remove_posted(a);
    m.remove_posted(b);
    EXPECT_EQ(m.take_posted(header(1, 2, 3)), nullptr);
}

TEST(Matcher, FindsByCookie) {
    Matcher m;
    Unexpected u;
    u.header = header(1, 2, 3);
    u.header.cookie = 99;
    u.peer = 5;
    m.add(u);
    EXPECT_EQ(m.find_by(5, 99), &u);
    EXPECT_EQ(m.find_by(4, 99), nullptr);
    EXPECT_EQ(m.find_by(5, 98), nullptr);
}

}  // namespace
}  // namespace adi
