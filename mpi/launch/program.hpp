// From a program's name on the command line to a file that can be executed.
#pragma once

#include <string>

#include "mpi/launch/plan.hpp"

namespace launch {

/// The answer of find_program: a path, or an exit status (126: found but cannot be run, 127: not
/// found, as shells have it) with a sentence.
struct FoundProgram {
    std::string path;
    int exit_status = 0;
    std::string error;
};

/// Looks for `name` as execvp would: along `search_path` (the value of PATH, may be null) unless it
/// has a slash; a relative path with a slash starts at `directory` (empty: the current one). Checks
/// that it is a file that this user may execute and that the interpreter of a script exists.
FoundProgram find_program(const std::string& name, const std::string& directory,
                          const char* search_path);

/// Finds the image's program on this host, with the PATH that it will have, and sets its path.
/// Returns 0, or an exit status with a sentence in `why`.
int find_image(ProgramImage* image, std::string* why);

/// Whether the file looks like text, so that /bin/sh may run it when the kernel will not.
bool is_text_file(const char* path);

}  // namespace launch
