#include "adi/boot/pmi1_wire.hpp"

#include <gtest/gtest.h>

#include <string>

namespace adi::pmi1 {
namespace {

std::optional<Message> parse(std::string_view line) {
    std::string error;
    auto message = Message::parse(line, &error);
    EXPECT_NE(message.has_value(), !error.empty()) << error;
    return message;
}

TEST(Pmi1Wire, ParsesWordsInAnyOrderAfterTheCommand) {
    const auto message = parse("cmd=put kvsname=job-1 key=P0-card value=a=b;c");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->command(), "put");
    EXPECT_EQ(*message->find("value"), "a=b;c");
    EXPECT_EQ(*message->find("key"), "P0-card");
    EXPECT_EQ(message->find("rc"), nullptr);
}

TEST(Pmi1Wire, ToleratesExtraSpacesAndEmptyValues) {
    const auto message = parse("  cmd=get_result   rc=0 value= ");
    ASSERT_TRUE(message);
    EXPECT_EQ(*message->find("value"), "");
    EXPECT_EQ(message->find_int("rc", 0, 0), 0);
}

TEST(Pmi1Wire, RefusesMalformedLines) {
    for (const char* line :
         {"", "   ", "cmd", "=x", "cmd=", "rank=1 cmd=put", "cmd=a b", "cmd=a =b", "cmd=a k=1 k=2",
          "cmd=a cmd=b", "cmd=a\tk=1", "cmd=a\r", "cmd=\x80", "cmd=a k=\x7f"}) {
        EXPECT_FALSE(parse(line)) << line;
    }
    EXPECT_FALSE(parse(std::string_view("cmd=a\0k=1", 9)));
    EXPECT_FALSE(parse("cmd=maxes keylen_max=64x")->find_int("keylen_max", 0, 100));
    EXPECT_FALSE(parse("cmd=" + std::string(kMaxLineBytes, 'x')));
}

TEST(Pmi1Wire, FormatsWhatItParses) {
    const std::string line = format("put", {{"kvsname", "k"}, {"key", "a"}, {"value", "v=1"}});
    EXPECT_EQ(line, "cmd=put kvsname=k key=a value=v=1\n");
    EXPECT_EQ(*parse(line.substr(0, line.size() - 1))->find("value"), "v=1");
    EXPECT_EQ(format("barrier_in"), "cmd=barrier_in\n");
}

TEST(Pmi1Wire, KnowsWhatAValueIs) {
    EXPECT_TRUE(is_value("x", 1));
    EXPECT_FALSE(is_value("", 1));
    EXPECT_FALSE(is_value("xy", 1));
    EXPECT_FALSE(is_value("x y", 9));
    EXPECT_FALSE(is_value("x\n", 9));
}

TEST(Pmi1Wire, CarriesSentences) {
    const std::string sentence = "no way (100 %), 5%20: x=y";
    const std::string value = sentence_to_value(sentence, 1024);
    EXPECT_TRUE(is_value(value, 1024));
    EXPECT_EQ(value_to_sentence(value), sentence);
    EXPECT_EQ(sentence_to_value("a\n\x1b\xff", 1024), "a???");
    EXPECT_EQ(sentence_to_value("abc def", 5), "abc") << "half a space is none";
    EXPECT_EQ(sentence_to_value("abc def", 6), "abc%20");
    EXPECT_EQ(value_to_sentence("%2"), "%2");
    EXPECT_EQ(value_to_sentence("%41%"), "%41%");
}

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

TEST(ProcessMapping, LessThanNeededBeginsAgain) {
    EXPECT_EQ(parse_process_mapping("(vector,(0,2,1),(2,1,2))", 6),
              (std::vector<int>{0, 1, 2, 2, 0, 1}));
}

TEST(ProcessMapping, NonsenseGivesNothing) {
    for (const char* text :
         {"", "vector", "(vector", "(vector,(0,1))", "(vector,(0,0,4))", "(vector,(-1,1,4))",
          "(vector)", "(vector,(0,1,1)", "(vector,(2147483647,2,4))", "(matrix,(0,1,4))"}) {
        EXPECT_TRUE(parse_process_mapping(text, 4).empty()) << text;
    }
}

TEST(LineBuffer, CutsLinesHoweverTheBytesArrive) {
    const std::string stream = "one\ntwo\n\nthree";
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        LineBuffer lines;
        std::string seen;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            lines.append(std::string_view(stream).substr(at, piece));
            while (auto line = lines.next()) seen += *line + "|";
        }
        EXPECT_EQ(seen, "one|two||");
        EXPECT_TRUE(lines.partial());
        EXPECT_FALSE(lines.overflowed());
    }
}

TEST(LineBuffer, RefusesAnEndlessLine) {
    LineBuffer lines;
    const std::string piece(1000, 'x');
    for (int i = 0; i < 5 && !lines.overflowed(); ++i) {
        lines.append(piece);
        EXPECT_FALSE(lines.next());
    }
    EXPECT_TRUE(lines.overflowed());
    lines.append("\ncmd=init\n");
    EXPECT_FALSE(lines.next());

    LineBuffer finished;
    finished.append(std::string(kMaxLineBytes + 1, 'x') + "\n");
    EXPECT_FALSE(finished.next());
    EXPECT_TRUE(finished.overflowed());

    LineBuffer longest;
    longest.append(std::string(kMaxLineBytes, 'x') + "\n");
    EXPECT_TRUE(longest.next());
}

}  // namespace
}  // namespace adi::pmi1
