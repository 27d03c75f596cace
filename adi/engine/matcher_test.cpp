#include "adi/engine/matcher.hpp"

#include <gtest/gtest.h>

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

// Against a naive list, with collisions and wildcards at random.
TEST(Matcher, AgreesWithAPlainList) {
    std::mt19937 random(4711);
    Matcher m;
    std::deque<Request> storage;
    std::list<Request*> posted;
    std::deque<Unexpected> messages;
    std::list<Unexpected*> arrived;
    const auto number = [&](int n) {
        return static_cast<std::int32_t>(random() % static_cast<unsigned>(n));
    };
    const auto suits = [](const Match& w, const Header& h) {
        return w.context == h.context && (w.source == kAnySource || w.source == h.source) &&
               (w.tag == kAnyTag || w.tag == h.tag);
    };
    for (int step = 0; step < 20000; ++step) {
        if (random() % 2 == 0) {
            storage.push_back(receive(static_cast<std::uint32_t>(number(2)), number(4) - 1,
                                      random() % 4 == 0 ? kAnyTag : number(300)));
            Request& r = storage.back();
            Unexpected* expected = nullptr;
            for (Unexpected* u : arrived) {
                if (suits(r.match, u->header)) {
                    expected = u;
                    break;
                }
            }
            Unexpected* found = m.find(r.match);
            ASSERT_EQ(found, expected);
            if (found != nullptr) {
                m.remove(*found);
                arrived.remove(found);
            } else {
                m.post(r);
                posted.push_back(&r);
            }
        } else {
            const Header h = header(static_cast<std::uint32_t>(number(2)), number(3), number(300));
            Request* expected = nullptr;
            for (Request* r : posted) {
                if (suits(r->match, h)) {
                    expected = r;
                    break;
                }
            }
            Request* found = m.take_posted(h);
            ASSERT_EQ(found, expected);
            if (found != nullptr) {
                posted.remove(found);
            } else {
                Unexpected& u = messages.emplace_back();
                u.header = h;
                m.add(u);
                arrived.push_back(&u);
            }
        }
        ASSERT_EQ(m.posted(), posted.size());
        ASSERT_EQ(m.unexpected(), arrived.size());
    }
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
