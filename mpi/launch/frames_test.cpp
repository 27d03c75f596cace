// What mpirun and its proxies say to each other: fields, frames, and hostile bytes.
#include "mpi/launch/frames.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "mpi/launch/link.hpp"

namespace launch {
namespace {

JobPlan sample_plan() {
    JobPlan plan;
    plan.name = "space";
    plan.secret = "0123";
    plan.programs = {{"/bin/a", "/tmp", {"a", "x y"}, {"A=1", "B="}}, {"", "", {"b"}, {}}};
    plan.ranks = {{0, 0}, {0, 0}, {1, 0, {0, 65535}}, {1, 1, {3}}, {2, 1}};
    return plan;
}

Machine sample_machine() {
    Machine machine;
    machine.available = 3;
    machine.cpus = {{0, {0, 0, 0, 0, 0, 0, 0, 0, 0}}, {5, {0, 0, 1, 1, 1, 1, 1, 2, 5}}};
    return machine;
}

TEST(Fields, ComeBackAsTheyWere) {
    const std::string bytes = Writer()
                                  .number(-7)
                                  .text("t")
                                  .values({{"k", "v"}, {"", ""}})
                                  .machine(sample_machine())
                                  .bytes();
    Reader reader(bytes);
    EXPECT_EQ(reader.number(-10, 10), -7);
    EXPECT_EQ(reader.text(), "t");
    EXPECT_EQ(reader.values(), (Values{{"k", "v"}, {"", ""}}));
    const Machine machine = reader.machine();
    EXPECT_TRUE(reader.done());
    ASSERT_EQ(machine.cpus.size(), 2U);
    EXPECT_EQ(machine.cpus[1].part_of(Level::core), 2);
}

TEST(Fields, PlansComeBackAsTheyWere) {
    const std::string bytes = Writer().plan(sample_plan()).bytes();
    Reader reader(bytes);
    const JobPlan plan = reader.plan();
    EXPECT_TRUE(reader.done());
    ASSERT_EQ(plan.size(), 5);
    EXPECT_EQ(plan.at(2).cpus, (std::vector<int>{0, 65535}));
    EXPECT_EQ(plan.at(4).host, 2);
    EXPECT_EQ(plan.program_of(0).argv[1], "x y");
    EXPECT_EQ(Writer().plan(plan).bytes(), bytes);
}

// Builds of one version know each other's frames by the number alone.
TEST(Fields, AreThoseThatTheControlProtocolCounts) {
    RankState state;
    state.rank = 3;
    state.call = "MPI_Recv";
    const std::string bytes = Writer()
                                  .number(static_cast<int>(Frame::end))
                                  .number(static_cast<int>(Frame::way_wanted))
                                  .plan(sample_plan())
                                  .machine(sample_machine())
                                  .state(state)
                                  .values({{"k", "v"}})
                                  .bytes();
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    EXPECT_EQ(std::pair(kControlProtocol, hash), std::pair(1, std::uint64_t{0x4e1779ddd6593ea}))
        << "the bytes have changed: raise kControlProtocol, and write this hash anew";
}

TEST(Fields, NothingIsReadAfterARefusal) {
    const std::string bytes = Writer().number(0).number(0).bytes();
    Reader whole(bytes);
    (void)whole.number(0, 0);
    whole.refuse();
    EXPECT_FALSE(whole.good());
    EXPECT_EQ(whole.text(), "");
    EXPECT_FALSE(whole.done());
    Reader nothing("");
    EXPECT_TRUE(nothing.done());
    nothing.refuse();
    EXPECT_FALSE(nothing.done());
}

TEST(Fields, NothingIsReadFromLessThanAll) {
    const std::string plan = Writer().plan(sample_plan()).bytes();
    for (std::size_t length = 0; length < plan.size(); ++length) {
        Reader reader(std::string_view(plan).substr(0, length));
        EXPECT_EQ(reader.plan().size(), 0) << length;
        EXPECT_FALSE(reader.good());
    }
    const std::string machine = Writer().machine(sample_machine()).bytes();
    for (std::size_t length = 0; length < machine.size(); ++length) {
        Reader reader(std::string_view(machine).substr(0, length));
        EXPECT_TRUE(reader.machine().cpus.empty()) << length;
        EXPECT_FALSE(reader.good());
    }
}

TEST(Fields, HostileCountsTakeNoMemory) {
    for (const std::int64_t count : {std::int64_t{-1}, std::int64_t{1} << 62, std::int64_t{17}}) {
        const std::string bytes = Writer().number(count).text("").text("").bytes();
        Reader values(bytes), text(bytes);
        EXPECT_TRUE(values.values().empty()) << count;
        EXPECT_FALSE(values.good());
        EXPECT_TRUE(text.text().empty()) << count;
        EXPECT_FALSE(text.good());
    }
    // A run of bound ranks would multiply its list.
    JobPlan plan = sample_plan();
    plan.ranks = {{0, 0, {1, 2}}};
    std::string bytes = Writer().plan(plan).bytes();
    const std::size_t run = bytes.size() - 8 * 6;  // run, host, appnum, count, CPUs
    ASSERT_EQ(bytes[run], 1);
    bytes[run] = 2;
    bytes[run - 8] = 2;
    Reader reader(bytes);
    EXPECT_EQ(reader.plan().size(), 0);
    EXPECT_FALSE(reader.good());
}

/// A link whose other end the test plays by bytes.
class LinkTest : public ::testing::Test {
  protected:
    void SetUp() override { connect(); }

    void connect() {
        int in[2], out[2];
        ASSERT_EQ(::pipe(in), 0);
        ASSERT_EQ(::pipe(out), 0);
        to_link_.reset(in[1]);
        from_link_.reset(out[0]);
        frames_.clear();
        why_.clear();
        link_ = std::make_unique<Link>(
            &loop_, UniqueFd(in[0]), UniqueFd(out[1]),
            [this](Frame type, Reader& fields) {
                frames_ += type == Frame::note ? "note " : type == Frame::fence ? "fence " : "? ";
                frames_ += fields.text();
                frames_ += ';';
            },
            [this](const std::string& why, const std::string& noise) {
                why_ = why;
                noise_bytes_ = noise.size();
            });
    }

    /// Has the link read what was written until nothing is left.
    void feed(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::size_t piece = std::min<std::size_t>(bytes.size(), 32768);
            ASSERT_EQ(::write(to_link_.get(), bytes.data(), piece), static_cast<ssize_t>(piece));
            bytes.remove_prefix(piece);
            loop_.run_for(std::chrono::milliseconds(0));
        }
    }

    static std::string frame(Frame type, const std::string& fields) {
        std::string bytes;
        for (int shift = 0; shift < 32; shift += 8) {
            bytes += static_cast<char>(fields.size() >> shift & 0xff);
        }
        return bytes + static_cast<char>(type) + fields;
    }

    EventLoop loop_;
    UniqueFd to_link_, from_link_;
    std::string frames_, why_;
    std::size_t noise_bytes_ = 0;
    std::unique_ptr<Link> link_;
};

TEST_F(LinkTest, FramesCutAnywhereAreWhole) {
    const std::string bytes =
        "motd\n" + std::string(kGreeting) + frame(Frame::note, Writer().text("one").bytes()) +
        frame(Frame::beat, "") + frame(Frame::fence, Writer().text("two").bytes());
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        connect();
        feed(std::string_view(bytes).substr(0, cut));
        feed(std::string_view(bytes).substr(cut));
        EXPECT_EQ(frames_, "note one;fence two;") << cut;
        EXPECT_TRUE(link_->open());
    }
    connect();
    for (const char& byte : bytes) feed({&byte, 1});
    EXPECT_EQ(frames_, "note one;fence two;");
}

TEST_F(LinkTest, ImpossibleLengthsEndIt) {
    for (const char* length : {"\xff\xff\xff\xff", "\x01\x00\x00\x40"}) {
        connect();
        feed(std::string(kGreeting) + std::string(length, 4) + '\x05');
        EXPECT_NE(why_.find("impossible length"), std::string::npos) << why_;
        EXPECT_FALSE(link_->open());
    }
}

TEST_F(LinkTest, FieldsThatDoNotFillTheirFrameEndIt) {
    for (const std::string& fields : {std::string(), Writer().text("x").bytes() + "y",
                                      Writer().number(99).bytes(), std::string(7, '\0')}) {
        connect();
        feed(std::string(kGreeting) + frame(Frame::note, fields));
        EXPECT_NE(why_.find("impossible content"), std::string::npos) << fields.size();
    }
}

TEST_F(LinkTest, NoiseAloneIsGivenUp) {
    feed(std::string(90'000, 'x'));
    EXPECT_NE(why_, "");
    EXPECT_GT(noise_bytes_, 60'000U);
    EXPECT_EQ(frames_, "");
}

TEST_F(LinkTest, TheEndIsTold) {
    feed(kGreeting);
    to_link_.reset();
    loop_.run_for(std::chrono::milliseconds(0));
    EXPECT_NE(why_.find("closed"), std::string::npos);
}

TEST_F(LinkTest, LongFramesWaitForTheReader) {
    const std::string text(1 << 20, 'x');
    link_->send(Frame::note, Writer().text(text));
    EXPECT_TRUE(link_->unsent());
    const std::string expected =
        std::string(kGreeting) + frame(Frame::note, Writer().text(text).bytes());
    std::string got;
    char buffer[65536];
    while (got.size() < expected.size()) {
        const ssize_t bytes = ::read(from_link_.get(), buffer, sizeof buffer);
        ASSERT_GT(bytes, 0);
        got.append(buffer, static_cast<std::size_t>(bytes));
        loop_.run_for(std::chrono::milliseconds(0));
    }
    EXPECT_EQ(got, expected);
    EXPECT_FALSE(link_->unsent());
}

}  // namespace
}  // namespace launch
