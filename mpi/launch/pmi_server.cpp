#include "mpi/launch/pmi_server.hpp"

namespace launch {

namespace pmi1 = adi::pmi1;

PmiServer::PmiServer(const JobPlan& plan, const std::vector<int>& ranks, PmiEvents* events)
    : plan_(plan), events_(events) {
    for (const int rank : ranks) ranks_[rank];
    std::string mapping = plan.process_mapping();
    // Without it ranks find out by themselves.
    if (mapping.size() < adi::pmi1::kMaxValueBytes)
        values_["PMI_process_mapping"] = std::move(mapping);
    values_[std::string(kSecretKey)] = plan.secret;
}

void PmiServer::receive(int rank, std::string_view bytes) {
    Rank& state = at(rank);
    if (state.broken) return;
    state.lines.append(bytes);
    while (!state.broken) {
        const auto line = state.lines.next();
        if (!line) break;
        handle_line(rank, *line);
    }
    if (!state.broken && state.lines.overflowed()) {
        break_rank(rank,
                   "it sent a line of more than " + std::to_string(pmi1::kMaxLineBytes) + " bytes");
    }
    check_absent(rank);
}

void PmiServer::gone(int rank) {
    at(rank).gone = true;
    check_absent(rank);
}

void PmiServer::enter_phase(int rank, Phase phase) {
    at(rank).phase = phase;
    events_->pmi_phase(rank, phase);
}

void PmiServer::handle_line(int rank, const std::string& line) {
    Rank& state = at(rank);
    if (state.in_spawn) {
        if (line != "endcmd") return;
        state.in_spawn = false;
        events_->pmi_send(rank,
                          pmi1::format("spawn_result", {{"rc", "-1"}, {"msg", "unsupported"}}));
        return;
    }
    std::string why;
    const auto message = pmi1::Message::parse(line, &why);
    if (!message) {
        break_rank(rank, "it sent a malformed line: " + why);
    } else {
        handle(rank, *message);
    }
}

void PmiServer::handle(int rank, const pmi1::Message& message) {
    Rank& state = at(rank);
    const std::string& command = message.command();
    if (command == "init") {
        const bool speaks = message.find_int("pmi_version", 1, 1).has_value();
        if (speaks) enter_phase(rank, Phase::active);
        events_->pmi_send(rank, pmi1::format("response_to_init", {{"pmi_version", "1"},
                                                                  {"pmi_subversion", "1"},
                                                                  {"rc", speaks ? "0" : "-1"}}));
    } else if (command == "abort") {
        const int code = message.find_int("exitcode", -0x7fffffff, 0x7fffffff).value_or(1) & 0xff;
        enter_phase(rank, Phase::finalized);
        events_->pmi_abort(rank, code == 0 ? 1 : code);
    } else if (command == "rank_lost" && state.phase == Phase::active) {
        // No answer: who says it may be about to end.
        const std::string* why = message.find("why");
        events_->pmi_rank_lost(rank, message.find_int("rank", 0, plan_.size() - 1).value_or(-1),
                               pmi1::value_to_sentence(why == nullptr ? "" : *why));
    } else if (command == "invite" && state.phase == Phase::active) {
        events_->pmi_invite(rank, message.find_int("rank", 0, plan_.size() - 1).value_or(-1));
    } else if (state.phase != Phase::active) {
        break_rank(rank, state.phase == Phase::fresh ? "it sent a command before init"
                                                     : "it sent a command after finalize");
    } else if (state.in_barrier) {
        break_rank(rank, "it sent a command while it was in a barrier");
    } else if (command == "put") {
        put(rank, message);
    } else if (command == "get") {
        get(rank, message);
    } else if (command == "barrier_in") {
        enter_barrier(rank);
    } else if (command == "finalize") {
        enter_phase(rank, Phase::finalized);
        events_->pmi_send(rank, pmi1::format("finalize_ack"));
    } else if (!handle_query(rank, message) && !refuse_unsupported(rank, command)) {
        break_rank(rank, "it sent an unknown command");
    }
}

bool PmiServer::handle_query(int rank, const pmi1::Message& message) {
    const std::string& command = message.command();
    std::string answer;
    if (command == "get_maxes") {
        answer = pmi1::format("maxes", {{"kvsname_max", std::to_string(pmi1::kMaxNameBytes)},
                                        {"keylen_max", std::to_string(pmi1::kMaxKeyBytes)},
                                        {"vallen_max", std::to_string(pmi1::kMaxValueBytes)}});
    } else if (command == "get_appnum") {
        answer = pmi1::format("appnum", {{"appnum", std::to_string(plan_.at(rank).appnum)}});
    } else if (command == "get_universe_size") {
        answer =
            pmi1::format("universe_size", {{"size", std::to_string(plan_.size())}, {"rc", "0"}});
    } else if (command == "get_my_kvsname") {
        answer = pmi1::format("my_kvsname", {{"kvsname", plan_.name}});
    } else {
        return false;
    }
    events_->pmi_send(rank, answer);
    return true;
}

// Commands of the protocol that this server has no use for yet: each has an error answer of its
// own.
bool PmiServer::refuse_unsupported(int rank, const std::string& command) {
    static constexpr std::pair<std::string_view, std::string_view> kAnswers[] = {
        {"publish_name", "publish_result"},
        {"unpublish_name", "unpublish_result"},
        {"lookup_name", "lookup_result"},
    };
    if (command == "spawn") {
        at(rank).in_spawn = true;  // answered at its endcmd
        return true;
    }
    for (const auto& [name, answer] : kAnswers) {
        if (command != name) continue;
        events_->pmi_send(rank, pmi1::format(answer, {{"rc", "-1"}, {"msg", "unsupported"}}));
        return true;
    }
    return false;
}

void PmiServer::put(int rank, const pmi1::Message& message) {
    const std::string* name = message.find("kvsname");
    const std::string* key = message.find("key");
    const std::string* value = message.find("value");
    const char* wrong = nullptr;
    if (name == nullptr || *name != plan_.name) {
        wrong = "unknown_kvsname";
    } else if (key == nullptr || !pmi1::is_value(*key, pmi1::kMaxKeyBytes)) {
        wrong = "bad_key";
    } else if (key->starts_with("PMI_") || *key == kSecretKey) {
        wrong = "reserved_key";
    } else if (value == nullptr || value->size() > pmi1::kMaxValueBytes) {
        wrong = "bad_value";
    } else if (at(rank).stored_bytes + key->size() + value->size() > kMaxStoredBytesPerRank) {
        wrong = "too_much_stored";
    }
    if (wrong == nullptr) {
        at(rank).stored_bytes += key->size() + value->size();
        values_.insert_or_assign(*key, *value);
        new_values_.emplace_back(*key, *value);
    }
    events_->pmi_send(rank,
                      pmi1::format("put_result", {{"rc", wrong == nullptr ? "0" : "-1"},
                                                  {"msg", wrong == nullptr ? "success" : wrong}}));
}

void PmiServer::get(int rank, const pmi1::Message& message) {
    const std::string* name = message.find("kvsname");
    const std::string* key = message.find("key");
    if (name == nullptr || *name != plan_.name || key == nullptr) {
        events_->pmi_send(rank, pmi1::format("get_result", {{"rc", "-1"},
                                                            {"msg", "unknown_kvsname_or_key"},
                                                            {"value", "unknown"}}));
        return;
    }
    const auto found = values_.find(*key);
    if (found == values_.end()) {
        events_->pmi_send(
            rank, pmi1::format("get_result",
                               {{"rc", "-1"}, {"msg", "key_not_found"}, {"value", "unknown"}}));
        return;
    }
    events_->pmi_send(
        rank,
        pmi1::format("get_result", {{"rc", "0"}, {"msg", "success"}, {"value", found->second}}));
}

void PmiServer::enter_barrier(int rank) {
    at(rank).in_barrier = true;
    if (++in_barrier_ == 1) events_->pmi_waiting(rank);
    if (in_barrier_ == ranks_.size()) events_->pmi_fence();
}

void PmiServer::release(const Values& values) {
    for (const auto& [key, value] : values) values_.insert_or_assign(key, value);
    in_barrier_ = 0;
    for (auto& [rank, state] : ranks_) {
        state.in_barrier = false;
        if (!state.broken && !state.gone) events_->pmi_send(rank, pmi1::format("barrier_out"));
        check_absent(rank);
    }
}

// A rank that finalized, ended or broke its connection cannot come any more; those that wait for it
// would wait for ever.
void PmiServer::check_absent(int rank) {
    Rank& state = at(rank);
    if (state.absent || state.in_barrier) return;
    state.absent = state.gone || state.broken || state.phase == Phase::finalized;
    if (state.absent) events_->pmi_absent(rank);
}

void PmiServer::break_rank(int rank, const std::string& why) {
    at(rank).broken = true;
    events_->pmi_broken(rank, why);
}

}  // namespace launch
