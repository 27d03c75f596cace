#include "devices/fm/join.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "devices/fm/endpoint.hpp"

namespace dev::fm {

namespace {

constexpr std::string_view kEmulator = "emulator:";

template <class T>
bool parse(std::string_view text, int base, T* value) {
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, *value, base);
    return code == std::errc() && stop == end;
}

}  // namespace

adi::Result<BoardPlace> board_from_environment() {
    const char* board = std::getenv("FATHOM_FM_BOARD");
    if (board == nullptr || *board == '\0') {
        return {adi::Status::unsupported,
                "there is no Myrinet board (FATHOM_FM_BOARD is not set; mpirun --device fm starts "
                "an emulated one)"};
    }
    BoardPlace place;
    const std::string_view text = board;
    if (!text.starts_with(kEmulator) || text.size() == kEmulator.size()) {
        return {adi::Status::bad_argument,
                "FATHOM_FM_BOARD=" + std::string(text) + " is not of the form emulator:NAME"};
    }
    place.emulator = text.substr(kEmulator.size());
    const char* key = std::getenv("FATHOM_FM_KEY");
    if (key == nullptr || !parse(key, 10, &place.key) || place.key == 0) {
        return {adi::Status::bad_argument, "FATHOM_FM_KEY is not a number from 1 to 4294967295"};
    }
    return place;
}

adi::Result<std::unique_ptr<Board>> open_board(const BoardPlace& where, std::uint32_t node,
                                               std::uint32_t nodes) {
    EndpointRequest request;
    request.node = node;
    request.nodes = nodes;
    request.key = where.key;
    request.ring_slots = Endpoint::ring_slots_for(nodes);
    request.staging_pages = FM_SEND_SLOTS;
    return open_emulated_board(where.emulator, request);
}

std::string place_to_text(std::uint32_t place) {
    char digits[8];
    const auto [end, code] = std::to_chars(digits, digits + sizeof digits, place, 16);
    return code == std::errc() ? std::string(digits, end) : std::string();
}

bool place_from_text(const std::string& text, std::uint32_t* place) {
    return parse(text, 16, place);
}

}  // namespace dev::fm
