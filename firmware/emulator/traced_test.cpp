// A packet's way in modelled time, as the trace shows it.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "firmware/emulator/attach_fixture.hpp"

namespace {

using namespace emulator_test;

TEST(Traced, EveryLaneHasItsPart) {
    const std::string path =
        testing::TempDir() + "fathom-traced-" + std::to_string(::getpid()) + ".json";
    {
        emulator::EmulatorOptions options;
        options.boards = 2;
        options.machine = emulator::find_machine("ppro200");
        options.trace = path;
        RunningEmulator emulator(options);
        auto job = make_job(emulator.name(), 2);
        job[0]->board().clock()->charge(dev::fm::Clock::Work::fm_send);
        job[0]->send(1, {1, 2}, some_bytes(100, 1));
        EXPECT_EQ(job[1]->take().payload, some_bytes(100, 1));
        job[1]->board().clock()->charge(dev::fm::Clock::Work::fm_handler);
    }
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    std::remove(path.c_str());
    const std::string all = text.str();
    for (const char* name : {"FM send", "write", "write word", "work", "send data 0",
                             "receive data 0", "to host", "handler"})
        EXPECT_NE(all.find("{\"ph\":\"X\",\"name\":\"" + std::string(name) + "\""),
                  std::string::npos)
            << name;
}

}  // namespace
