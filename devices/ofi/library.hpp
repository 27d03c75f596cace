// libfabric, loaded when it is first asked for: programs that do not ask start without it and the
// dozen libraries that it needs.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_errno.h>

#include <memory>
#include <string>

namespace dev::ofi {

/// The functions of libfabric that are no inline ones.
class Library {
  public:
    /// Null, with the reason in `why`, where there is none.
    static const Library* get(std::string* why);

    int getinfo(const fi_info* hints, fi_info** list) const;
    int fabric(fi_fabric_attr* attributes, fid_fabric** fabric) const {
        return fabric_(attributes, fabric, nullptr);
    }
    fi_info* dupinfo(const fi_info* info) const { return dupinfo_(info); }
    void freeinfo(fi_info* info) const { freeinfo_(info); }
    /// `error` as libfabric returns it, negative or not, in words.
    std::string error(std::int64_t error) const;
    /// "1.17".
    std::string version() const;

  private:
    Library();
    template <class F>
    bool find(void* library, const char* name, const char* version, F*& function);

    std::string missing_;
    decltype(&::fi_getinfo) getinfo_ = nullptr;
    decltype(&::fi_freeinfo) freeinfo_ = nullptr;
    decltype(&::fi_dupinfo) dupinfo_ = nullptr;
    decltype(&::fi_fabric) fabric_ = nullptr;
    decltype(&::fi_strerror) strerror_ = nullptr;
    decltype(&::fi_version) version_ = nullptr;
};

/// An fi_info, or a list of them, with one owner.
struct FreeInfo {
    const Library* library = nullptr;
    void operator()(fi_info* info) const { library->freeinfo(info); }
};
using Info = std::unique_ptr<fi_info, FreeInfo>;

}  // namespace dev::ofi
