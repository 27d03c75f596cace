#include "mpi/launch/program.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string_view>

namespace launch {

namespace {

constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

std::string in_directory(const std::string& path, const std::string& directory) {
    return directory.empty() || path.front() == '/' ? path : directory + '/' + path;
}

// The first bytes of a file; empty when it cannot be read (it may be execute-only).
std::string file_head(const char* path) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    char bytes[256];
    const ssize_t got = ::read(fd, bytes, sizeof bytes);
    ::close(fd);
    return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string();
}

// The interpreter that a script's first line names; empty when it is no such script.
std::string interpreter_of(const std::string& head) {
    if (!head.starts_with("#!")) return {};
    std::stringstream words(head.substr(2, head.find('\n') - 2));
    std::string interpreter;
    words >> interpreter;
    return interpreter;
}

FoundProgram check_file(const std::string& name, const std::string& path,
                        const std::string& directory) {
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) {
        const int exit_status = errno == EACCES ? kCannotRun : kNotFound;
        return {"", exit_status, "cannot run " + name + ": " + std::strerror(errno)};
    }
    if (S_ISDIR(status.st_mode)) {
        return {"", kCannotRun, "cannot run " + name + ": it is a directory"};
    }
    if (!S_ISREG(status.st_mode)) {
        return {"", kCannotRun, "cannot run " + name + ": it is not a regular file"};
    }
    if (::access(path.c_str(), X_OK) != 0) {
        return {"", kCannotRun,
                "cannot run " + name + ": it is not executable (chmod +x makes it so)"};
    }
    const std::string interpreter = interpreter_of(file_head(path.c_str()));
    if (!interpreter.empty() && ::access(in_directory(interpreter, directory).c_str(), X_OK) != 0) {
        return {"", kCannotRun,
                "cannot run " + name + ": its interpreter " + interpreter + " is not there"};
    }
    return {path, 0, ""};
}

}  // namespace

FoundProgram find_program(const std::string& name, const std::string& directory,
                          const char* search_path) {
    if (name.find('/') != std::string::npos) {
        return check_file(name, in_directory(name, directory), directory);
    }
    FoundProgram best = {"", kNotFound,
                         "cannot run " + name + ": there is no such program in PATH"};
    std::stringstream path(search_path == nullptr ? "/usr/local/bin:/bin:/usr/bin" : search_path);
    std::string part;
    while (std::getline(path, part, ':')) {
        const std::string candidate = (part.empty() ? "." : part) + '/' + name;
        struct stat status = {};
        if (::stat(in_directory(candidate, directory).c_str(), &status) != 0) continue;
        if (S_ISDIR(status.st_mode)) continue;
        FoundProgram found = check_file(name, in_directory(candidate, directory), directory);
        if (found.exit_status == 0) return found;
        if (best.exit_status == kNotFound) best = found;
    }
    if (best.exit_status == kNotFound &&
        ::access(in_directory("./" + name, directory).c_str(), F_OK) == 0) {
        best.error += "; did you mean ./" + name + "?";
    }
    return best;
}

int find_image(ProgramImage* image, std::string* why) {
    constexpr int kNoDirectory = 2;
    struct stat status = {};
    if (!image->directory.empty() &&
        (::stat(image->directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))) {
        *why = "the working directory " + image->directory + " is not there";
        return kNoDirectory;
    }
    constexpr std::string_view kPath = "PATH=";
    const char* search_path = std::getenv("PATH");
    for (const std::string& entry : image->environment) {
        if (entry.starts_with(kPath)) search_path = entry.c_str() + kPath.size();
    }
    const FoundProgram found = find_program(image->argv.front(), image->directory, search_path);
    *why = found.error;
    // The rank changes its directory before it executes the path.
    image->path = image->directory.empty() || found.exit_status != 0
                      ? found.path
                      : std::filesystem::absolute(found.path).string();
    return found.exit_status;
}

bool is_text_file(const char* path) {
    return file_head(path).find('\0') == std::string::npos;
}

}  // namespace launch
