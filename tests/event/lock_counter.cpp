/// \file
/// The counting itself: the program brings functions of the names that the C and C++ libraries lock
/// with; each counts and calls the one that it hides.

#include "lock_counter.hpp"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>

namespace {
// Constant initialisation: libraries lock before any constructor of the program runs.
constinit std::atomic<std::size_t> locks{0};

/// A name as a template argument.
template <std::size_t N> struct text {
  char characters[N];
  constexpr text(const char (&s)[N]) { std::copy_n(s, N, characters); } // NOLINT: implicit
};

/// Counts, and calls the function that the program's own one of this name hides.
template <text Name, class... Parameters> int counted(Parameters... parameters) {
  static constinit std::atomic<void*> hidden{nullptr};
  locks.fetch_add(1, std::memory_order_relaxed);
  void* next = hidden.load(std::memory_order_relaxed);
  if (next == nullptr) hidden = next = dlsym(RTLD_NEXT, Name.characters);
  return reinterpret_cast<int (*)(Parameters...)>(next)(parameters...);
}

using mutex = pthread_mutex_t;
using rwlock = pthread_rwlock_t;
using spinlock = pthread_spinlock_t;
using condition = pthread_cond_t;
using time_point = const timespec;
using once_function = void();
} // namespace

std::size_t bijou::testing::locks_so_far() noexcept {
  return locks.load(std::memory_order_relaxed);
}

// The names and parameters are those of POSIX, glibc and the C++ ABI.
// NOLINTBEGIN
extern "C" {
int pthread_mutex_lock(mutex* m) { return counted<"pthread_mutex_lock">(m); }
int pthread_mutex_trylock(mutex* m) { return counted<"pthread_mutex_trylock">(m); }
int pthread_mutex_timedlock(mutex* m, time_point* t) {
  return counted<"pthread_mutex_timedlock">(m, t);
}
int pthread_mutex_clocklock(mutex* m, clockid_t c, time_point* t) {
  return counted<"pthread_mutex_clocklock">(m, c, t);
}
int pthread_rwlock_rdlock(rwlock* l) { return counted<"pthread_rwlock_rdlock">(l); }
int pthread_rwlock_wrlock(rwlock* l) { return counted<"pthread_rwlock_wrlock">(l); }
int pthread_rwlock_tryrdlock(rwlock* l) { return counted<"pthread_rwlock_tryrdlock">(l); }
int pthread_rwlock_trywrlock(rwlock* l) { return counted<"pthread_rwlock_trywrlock">(l); }
int pthread_rwlock_timedrdlock(rwlock* l, time_point* t) {
  return counted<"pthread_rwlock_timedrdlock">(l, t);
}
int pthread_rwlock_timedwrlock(rwlock* l, time_point* t) {
  return counted<"pthread_rwlock_timedwrlock">(l, t);
}
int pthread_rwlock_clockrdlock(rwlock* l, clockid_t c, time_point* t) {
  return counted<"pthread_rwlock_clockrdlock">(l, c, t);
}
int pthread_rwlock_clockwrlock(rwlock* l, clockid_t c, time_point* t) {
  return counted<"pthread_rwlock_clockwrlock">(l, c, t);
}
int pthread_spin_lock(spinlock* l) { return counted<"pthread_spin_lock">(l); }
int pthread_spin_trylock(spinlock* l) { return counted<"pthread_spin_trylock">(l); }
int pthread_cond_wait(condition* c, mutex* m) { return counted<"pthread_cond_wait">(c, m); }
int pthread_cond_timedwait(condition* c, mutex* m, time_point* t) {
  return counted<"pthread_cond_timedwait">(c, m, t);
}
int pthread_cond_clockwait(condition* c, mutex* m, clockid_t k, time_point* t) {
  return counted<"pthread_cond_clockwait">(c, m, k, t);
}
int pthread_once(pthread_once_t* o, once_function* f) { return counted<"pthread_once">(o, f); }
int sem_wait(sem_t* s) { return counted<"sem_wait">(s); }
int sem_trywait(sem_t* s) { return counted<"sem_trywait">(s); }
int sem_timedwait(sem_t* s, time_point* t) { return counted<"sem_timedwait">(s, t); }
int sem_clockwait(sem_t* s, clockid_t c, time_point* t) {
  return counted<"sem_clockwait">(s, c, t);
}
int __cxa_guard_acquire(void* guard) { return counted<"__cxa_guard_acquire">(guard); }
}
// NOLINTEND
