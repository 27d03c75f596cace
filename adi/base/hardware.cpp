// hwloc is loaded when somebody asks, not linked: programs that do not ask start without it.
#include "adi/base/hardware.hpp"

#include <dlfcn.h>
#include <hwloc.h>
#include <strings.h>

#include <string>

namespace adi {
namespace {

constexpr std::array<hwloc_obj_type_t, kHardwareTypes.size()> kTypes{
    HWLOC_OBJ_PACKAGE, HWLOC_OBJ_DIE,     HWLOC_OBJ_NUMANODE, HWLOC_OBJ_L3CACHE,
    HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L1CACHE, HWLOC_OBJ_CORE,     HWLOC_OBJ_PU};

/// The functions of hwloc that are used, and a host as hwloc sees it.
class Hwloc {
  public:
    /// This host. Null when there is no hwloc, or it does not understand the host.
    static const Hwloc* get() {
        static const Hwloc* const instance = new Hwloc(nullptr);  // as long as the process lives
        return instance->topology_ != nullptr ? instance : nullptr;
    }

    /// This host, or one that is described.
    explicit Hwloc(const char* description) {
        void* library = dlopen("libhwloc.so.15", RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) return;
        hwloc_topology_t topology = nullptr;
        if (!find_all(library) || init_(&topology) != 0) return;
        const bool described = description == nullptr || describe_(topology, description) == 0;
        if (described && load_(topology) == 0) {
            topology_ = topology;
        } else {
            destroy_(topology);
        }
    }

    ~Hwloc() {
        if (topology_ != nullptr) destroy_(topology_);
    }
    Hwloc(const Hwloc&) = delete;
    Hwloc& operator=(const Hwloc&) = delete;

    /// Its CPUs: those that this process may run on, or `all`.
    std::vector<HardwareCpu> cpus(bool all) const {
        std::vector<HardwareCpu> cpus;
        if (topology_ == nullptr) return cpus;
        hwloc_cpuset_t mine = bitmap_alloc_();
        if (mine == nullptr) return cpus;
        const bool known = get_cpubind_(topology_, mine, HWLOC_CPUBIND_PROCESS) == 0;
        const int depth = type_depth_(topology_, HWLOC_OBJ_PU);
        for (unsigned i = 0; i < static_cast<unsigned>(count_(topology_, depth)); ++i) {
            const hwloc_obj_t unit = object_(topology_, depth, i);
            if (!all && known && included_(unit->cpuset, mine) == 0) continue;
            HardwareCpu& cpu = cpus.emplace_back();
            cpu.number = static_cast<int>(unit->os_index);
            for (std::size_t t = 0; t < kTypes.size(); ++t) {
                cpu.parts[t] = part_of(kTypes[t], unit->cpuset);
            }
        }
        bitmap_free_(mine);
        return cpus;
    }

    HardwarePlace place() const {
        HardwarePlace place;
        place.fill(kNoPart);
        hwloc_cpuset_t mine = bitmap_alloc_();
        if (mine == nullptr) return place;
        if (get_cpubind_(topology_, mine, HWLOC_CPUBIND_PROCESS) == 0) {
            for (std::size_t t = 0; t < kTypes.size(); ++t) place[t] = part_of(kTypes[t], mine);
        }
        bitmap_free_(mine);
        return place;
    }

  private:
    bool find_all(void* library) {
        return find(library, "hwloc_topology_init", init_) &&
               find(library, "hwloc_topology_set_synthetic", describe_) &&
               find(library, "hwloc_topology_load", load_) &&
               find(library, "hwloc_topology_destroy", destroy_) &&
               find(library, "hwloc_get_cpubind", get_cpubind_) &&
               find(library, "hwloc_get_type_depth", type_depth_) &&
               find(library, "hwloc_get_nbobjs_by_depth", count_) &&
               find(library, "hwloc_get_obj_by_depth", object_) &&
               find(library, "hwloc_bitmap_alloc", bitmap_alloc_) &&
               find(library, "hwloc_bitmap_free", bitmap_free_) &&
               find(library, "hwloc_bitmap_isincluded", included_);
    }

    template <class F>
    static bool find(void* library, const char* name, F*& function) {
        function = reinterpret_cast<F*>(dlsym(library, name));
        return function != nullptr;
    }

    /// The object of a type that has all of `cpus`, if there is one.
    int part_of(hwloc_obj_type_t type, hwloc_const_cpuset_t cpus) const {
        const int depth = type_depth_(topology_, type);
        if (depth == HWLOC_TYPE_DEPTH_UNKNOWN || depth == HWLOC_TYPE_DEPTH_MULTIPLE) return kNoPart;
        const auto n = static_cast<unsigned>(count_(topology_, depth));
        for (unsigned i = 0; i < n; ++i) {
            const hwloc_obj_t object = object_(topology_, depth, i);
            if (object != nullptr && included_(cpus, object->cpuset) != 0) {
                return static_cast<int>(i);
            }
        }
        return n == 0 ? kNoPart : kSeveralParts;
    }

    decltype(hwloc_topology_init)* init_ = nullptr;
    decltype(hwloc_topology_set_synthetic)* describe_ = nullptr;
    decltype(hwloc_topology_load)* load_ = nullptr;
    decltype(hwloc_topology_destroy)* destroy_ = nullptr;
    decltype(hwloc_get_cpubind)* get_cpubind_ = nullptr;
    decltype(hwloc_get_type_depth)* type_depth_ = nullptr;
    decltype(hwloc_get_nbobjs_by_depth)* count_ = nullptr;
    decltype(hwloc_get_obj_by_depth)* object_ = nullptr;
    decltype(hwloc_bitmap_alloc)* bitmap_alloc_ = nullptr;
    decltype(hwloc_bitmap_free)* bitmap_free_ = nullptr;
    decltype(hwloc_bitmap_isincluded)* included_ = nullptr;
    hwloc_topology_t topology_ = nullptr;
};

}  // namespace

HardwarePlace hardware_place() {
    if (const Hwloc* hwloc = Hwloc::get()) return hwloc->place();
    HardwarePlace nowhere;
    nowhere.fill(kNoPart);
    return nowhere;
}

std::vector<HardwareCpu> hardware_cpus(const char* description) {
    if (description != nullptr) return Hwloc(description).cpus(true);
    const Hwloc* hwloc = Hwloc::get();
    return hwloc == nullptr ? std::vector<HardwareCpu>() : hwloc->cpus(false);
}

int find_hardware_type(std::string_view name) {
    constexpr std::string_view kPrefix = "hwloc://";
    if (name.substr(0, kPrefix.size()) == kPrefix) name.remove_prefix(kPrefix.size());
    const std::string wanted(name);
    for (std::size_t t = 0; t < kHardwareTypes.size(); ++t) {
        if (strcasecmp(wanted.c_str(), kHardwareTypes[t]) == 0) return static_cast<int>(t);
    }
    return -1;
}

}  // namespace adi
