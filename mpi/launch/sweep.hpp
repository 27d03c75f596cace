// Killing every child of this process, whoever fathered it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <span>
#include <vector>

namespace launch {

/// The living and zombie children of this (single-threaded) process, adopted ones included.
std::vector<pid_t> children_of_this_process();

/// Sends SIGKILL to all children but `spared` and reaps them, again and again, as the children of
/// those that die are adopted in turn when this process is a child subreaper; until none is left or
/// `limit` has passed.
void kill_all_children(std::span<const pid_t> spared, std::chrono::milliseconds limit);

}  // namespace launch
