/// \file
/// The counting itself: sanitizers report each call to a hook; elsewhere operator new and, with
/// glibc, malloc and its relatives are replaced for the whole program.

#include "allocation_counter.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define BIJOU_TEST_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BIJOU_TEST_SANITIZER
#endif

namespace {
// Constant initialisation: malloc is called before any constructor runs.
constinit std::atomic<std::size_t> allocations{0};
constinit std::atomic<std::size_t> releases{0};

void count_allocation() noexcept { allocations.fetch_add(1, std::memory_order_relaxed); }
void count_release(const volatile void* p) noexcept {
  if (p != nullptr) releases.fetch_add(1, std::memory_order_relaxed);
}
} // namespace

bijou::testing::heap_calls bijou::testing::heap_calls_so_far() noexcept {
  return {allocations.load(std::memory_order_relaxed), releases.load(std::memory_order_relaxed)};
}

#if defined(BIJOU_TEST_SANITIZER)

// From <sanitizer/allocator_interface.h>, which not every compiler package ships.
extern "C" int __sanitizer_install_malloc_and_free_hooks( // NOLINT: the sanitizer's name
    void (*malloc_hook)(const volatile void*, std::size_t),
    void (*free_hook)(const volatile void*));

namespace {
[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { count_allocation(); },
    [](const volatile void* p) { count_release(p); });
} // namespace

#else

#if defined(__GLIBC__)

// The names under which glibc keeps its own functions when a program brings others.
extern "C" {
void* __libc_malloc(std::size_t) noexcept;                // NOLINT
void* __libc_calloc(std::size_t, std::size_t) noexcept;   // NOLINT
void* __libc_realloc(void*, std::size_t) noexcept;        // NOLINT
void* __libc_memalign(std::size_t, std::size_t) noexcept; // NOLINT
void __libc_free(void*) noexcept;                         // NOLINT
}

namespace {
void* plain(std::size_t size) noexcept { return __libc_malloc(size); }
void* aligned(std::size_t alignment, std::size_t size) noexcept {
  return __libc_memalign(alignment, size);
}
void release(void* p) noexcept { __libc_free(p); }
} // namespace

extern "C" {

void* malloc(std::size_t size) noexcept {
  count_allocation();
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  count_allocation();
  return __libc_calloc(count, size);
}

void* realloc(void* p, std::size_t size) noexcept {
  count_allocation();
  count_release(p);
  return __libc_realloc(p, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
  count_allocation();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  count_allocation();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept {
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  count_allocation();
  void* p = __libc_memalign(alignment, size);
  if (p == nullptr) return ENOMEM;
  *result = p;
  return 0;
}

void free(void* p) noexcept {
  count_release(p);
  __libc_free(p);
}

} // extern "C"

#else

namespace {
void* plain(std::size_t size) noexcept { return std::malloc(size); }
void* aligned(std::size_t alignment, std::size_t size) noexcept {
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void release(void* p) noexcept { std::free(p); }
} // namespace

#endif

// The forms for arrays and for nothrow call these four, by the standard's defaults.

void* operator new(std::size_t size) {
  count_allocation();
  if (void* p = plain(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  count_allocation();
  if (void* p = aligned(static_cast<std::size_t>(alignment), size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}

void operator delete(void* p) noexcept {
  count_release(p);
  release(p);
}

void operator delete(void* p, std::align_val_t) noexcept {
  count_release(p);
  release(p);
}

void operator delete(void* p, std::size_t) noexcept { operator delete(p); }
void operator delete(void* p, std::size_t, std::align_val_t a) noexcept { operator delete(p, a); }

#endif
