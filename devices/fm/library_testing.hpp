// What the tests of the library share. Handlers are plain functions, so what they have in common
// with the tests stands in one global.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "devices/fm/library.hpp"
#include "devices/fm/testing.hpp"

namespace dev::fm::testing {

using Bytes = std::vector<std::byte>;

/// A job of which this test runs one node after the other, or each on a thread.
struct LibraryJob {
    explicit LibraryJob(Node nodes) {
        for (Node node = 0; node < nodes; ++node) {
            auto endpoint =
                std::make_unique<Endpoint>(fabric.make_board(Endpoint::ring_slots_for(nodes)),
                                           EndpointOptions{node, nodes, Strategy::adapt});
            libraries.push_back(std::make_unique<Library>(
                std::move(endpoint), handlers,
                Library::Hooks{[this](const std::string& s) { failures.push_back(s); },
                               [this](const std::string& s) { said.push_back(s); }}));
        }
    }
    Library& operator[](Node node) { return *libraries[node]; }
    ULONG add(FM_handler* handler) {
        ULONG id = FM_ANY_ID;
        EXPECT_TRUE(handlers.add(&id, handler));
        return id;
    }
    void send(Node from, Node to, ULONG handler, const void* bytes, std::uint64_t n) {
        FM_stream* stream = (*this)[from].begin(to, n, static_cast<std::uint32_t>(handler));
        ASSERT_NE(stream, nullptr);
        (*this)[from].send_piece(*stream, bytes, n);
        (*this)[from].end(*stream);
    }
    int extract(Node node, std::uint64_t bytes = ~0ULL) { return (*this)[node].extract(bytes); }

    LoopbackFabric fabric;
    HandlerTable handlers{1024};
    std::vector<std::string> failures;
    std::vector<std::string> said;
    std::vector<std::unique_ptr<Library>> libraries;
};

struct Shared {
    LibraryJob* job = nullptr;
    std::vector<Bytes> messages;
    std::vector<unsigned> senders;
    std::vector<std::string> log;
    std::vector<std::uint32_t> pieces;  ///< how a handler receives
    std::uint64_t missing = 0;
    int begun = 0;
    FM_stream* answer = nullptr;
};
inline Shared shared;

struct LibraryTest : ::testing::Test {
    void SetUp() override { shared = Shared{}; }
};

inline Library& here(Node node) {
    return (*shared.job)[node];
}

// Handlers.
inline int note(FM_stream*, unsigned sender) {
    shared.senders.push_back(sender);
    return FM_CONTINUE;
}

inline int take_too_much(FM_stream* stream, unsigned) {
    Bytes bytes(3000, std::byte{9});
    here(1).receive(nullptr, *stream, 1);
    here(1).receive(bytes.data(), *stream, 3000);
    shared.messages.push_back(bytes);
    shared.missing = stream->missing;
    return FM_CONTINUE;
}

}  // namespace dev::fm::testing
