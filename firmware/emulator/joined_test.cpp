// Two emulators, each with its own boards, whose fabrics are one by a link between them.
#include <cstdio>
#include <string>

#include "firmware/emulator/attach_fixture.hpp"

namespace {

using namespace emulator_test;

/// A file with a fabric, for as long as it is in scope.
class FabricFile {
  public:
    FabricFile(const char* name, const std::string& text)
        : path_(testing::TempDir() + "fathom-" + std::to_string(::getpid()) + name) {
        std::FILE* file = std::fopen(path_.c_str(), "w");
        if (file == nullptr || std::fputs(text.c_str(), file) < 0 || std::fclose(file) != 0)
            ADD_FAILURE() << path_;
    }
    ~FabricFile() { std::remove(path_.c_str()); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

emulator::EmulatorOptions options(const std::string& fabric) {
    emulator::EmulatorOptions result;
    result.fabric = fabric;
    result.secret = "what both emulators know";
    result.firmware.map = true;
    result.firmware.map_ms = 50;
    return result;
}

TEST(Joined, PacketsCrossFromOneEmulatorToTheOther) {
    const FabricFile left_file("left",
                               "switch left 8\nboard 0\nboard 1\nlink 0 left\nlink 1 left\n"
                               "link left:7 listen 0\n");
    RunningEmulator left(options(left_file.path()));
    const auto port = left->network().listening_port({false, 0, 7});
    const FabricFile right_file("right",
                                "switch right 16\nboard 2\nboard 3\nlink 2 right\nlink 3 right\n"
                                "link right:9 remote 127.0.0.1:" +
                                    std::to_string(port) + "\n");
    RunningEmulator right(options(right_file.path()));

    dev::fm::EndpointRequest request;
    request.key = 77;
    request.nodes = 4;
    std::vector<std::unique_ptr<Node>> job;
    std::vector<std::uint32_t> places;
    for (std::uint32_t node = 0; node < 4; ++node) {
        request.node = node;
        request.board = node;
        job.push_back(std::make_unique<Node>(node < 2 ? left.name() : right.name(), request));
        places.push_back(job.back()->board().place());
    }
    for (const auto& node : job) ASSERT_TRUE(node->board().connect(places).ok());
    // Sent before the mappers have found each other: the firmware keeps it until there is a route.
    for (unsigned i = 0; i < 200; ++i) {
        for (std::uint32_t from = 0; from < 4; ++from)
            job[from]->send((from + 2) % 4, {i, from}, some_bytes(i, i + from));
        for (std::uint32_t to = 0; to < 4; ++to) {
            const Arrived packet = job[to]->take();
            ASSERT_EQ(packet.kind, FM_KIND_DATA);
            ASSERT_EQ(packet.user[0], i);
            ASSERT_EQ(packet.source_node, (to + 2) % 4);
            ASSERT_EQ(packet.payload, some_bytes(i, i + (to + 2) % 4));
        }
    }
    left.stop();
    EXPECT_EQ(left->network().counters().strangers, 0U);
    EXPECT_EQ(left->network().counters().bad_frames, 0U);
}

}  // namespace
