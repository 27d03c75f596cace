#include "devices/ofi/library.hpp"

#include <dlfcn.h>

#include <cstdlib>

#include "devices/ofi/symbols.hpp"

namespace dev::ofi {

const Library* Library::get(std::string* why) {
    static const Library instance;
    if (instance.missing_.empty()) return &instance;
    *why = instance.missing_;
    return nullptr;
}

template <class F>
bool Library::find(void* library, const char* name, const char* version, F*& function) {
    function = reinterpret_cast<F*>(::dlvsym(library, name, version));
    if (function == nullptr) {
        missing_ = std::string("this libfabric has no ") + name + " of version " + version;
    }
    return function != nullptr;
}

Library::Library() {
    // Never unloaded: providers leave threads and handlers behind.
    void* library = ::dlopen("libfabric.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        missing_ = std::string("libfabric cannot be loaded: ") + ::dlerror();
        return;
    }
    (void)(find(library, "fi_getinfo", FI_GETINFO_VERSION, getinfo_) &&
           find(library, "fi_freeinfo", FI_FREEINFO_VERSION, freeinfo_) &&
           find(library, "fi_dupinfo", FI_DUPINFO_VERSION, dupinfo_) &&
           find(library, "fi_fabric", FI_FABRIC_VERSION, fabric_) &&
           find(library, "fi_strerror", FI_STRERROR_VERSION, strerror_) &&
           find(library, "fi_version", FI_VERSION_VERSION, version_));
}

int Library::getinfo(const fi_info* hints, fi_info** list) const {
    return getinfo_(FI_VERSION(1, 17), nullptr, nullptr, 0, hints, list);
}

std::string Library::error(std::int64_t error) const {
    return strerror_(static_cast<int>(std::abs(error)));
}

std::string Library::version() const {
    return std::to_string(FI_MAJOR(version_())) + "." + std::to_string(FI_MINOR(version_()));
}

}  // namespace dev::ofi
