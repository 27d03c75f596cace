#include "devices/fm/join.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "adi/base/number.hpp"
#include "devices/fm/endpoint.hpp"

namespace dev::fm {

namespace {

constexpr std::string_view kEmulator = "emulator:";

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
    const char* key_text = std::getenv("FATHOM_FM_KEY");
    const auto key = adi::parse_number<std::uint32_t>(key_text == nullptr ? "" : key_text);
    if (!key || *key == 0) {
        return {adi::Status::bad_argument, "FATHOM_FM_KEY is not a number from 1 to 4294967295"};
    }
    place.key = *key;
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
    const auto value = adi::parse_number<std::uint32_t>(text, 16);
    if (value) *place = *value;
    return value.has_value();
}

}  // namespace dev::fm
