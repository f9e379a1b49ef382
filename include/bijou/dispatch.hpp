#pragma once
/// \file
/// One program for every processor: a function compiled once for each instruction set, and a call
/// that takes the best of them this processor can run.
///
/// For the part of a program that is compiled once: only the standard library is included, nothing
/// is in an inline namespace of an instruction set, so all units see the same entities. The
/// environment variable BIJOU_ISA (sse4.2, avx2, avx512; neon on AArch64) forces a choice.
/// `bijou_add_variants` (cmake/variants.cmake) compiles the variants; docs/dispatch.md tells how.

#include <array>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bijou {

/// The instruction sets that variants are compiled for, in ascending order, as BIJOU_ISA names
/// them.
#if defined(__x86_64__)
inline constexpr std::array<std::string_view, 3> instruction_sets{"sse4.2", "avx2", "avx512"};
#else
inline constexpr std::array<std::string_view, 1> instruction_sets{"neon"};
#endif

namespace dispatching {

/// Whether this processor, and the system on it, can run what is compiled for
/// instruction_sets[level].
inline bool can_run([[maybe_unused]] std::size_t level) {
#if defined(__x86_64__)
  // What -march=x86-64-v2, -v3 and -v4 allow, as far as every compiler has a name for it. CX16,
  // LAHF, LZCNT, MOVBE and F16C came with the others.
  __builtin_cpu_init();
  const bool v2 = __builtin_cpu_supports("sse3") && __builtin_cpu_supports("ssse3") &&
                  __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("sse4.2") &&
                  __builtin_cpu_supports("popcnt");
  if (level == 0 || !v2) return v2;
  const bool v3 = __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") &&
                  __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2");
  if (level == 1 || !v3) return v3;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
#else
  return true;
#endif
}

/// The index of an instruction set that this processor has; what names it is for the error.
inline std::size_t level_of(std::string_view name, const char* what) {
  std::string here;
  for (std::size_t i = 0; i < instruction_sets.size() && can_run(i); ++i) {
    if (instruction_sets[i] == name) return i;
    here.append(here.empty() ? "" : ", ").append(instruction_sets[i]);
  }
  throw std::invalid_argument(std::string("bijou: ").append(what).append(" is ").append(name) +
                              "; this processor has " + (here.empty() ? "none of these" : here));
}

/// The best level this processor can run, or the one that `forced` names.
inline std::size_t choose(const char* forced) {
  if (forced != nullptr && *forced != '\0') return level_of(forced, "BIJOU_ISA");
  std::size_t n = 0;
  while (n < instruction_sets.size() && can_run(n)) ++n;
  if (n == 0) throw std::runtime_error("bijou: this processor lacks SSE4.2");
  return n - 1;
}

/// The level in use: decided by the first call, the same in all threads and units.
inline std::size_t chosen() {
  static const std::size_t level = choose(std::getenv("BIJOU_ISA"));
  return level;
}

} // namespace dispatching

/// Whether this processor can run variants for an instruction set.
/// \param name  one of instruction_sets; every other name gets false
inline bool processor_has(std::string_view name) {
  for (std::size_t i = 0; i < instruction_sets.size(); ++i)
    if (instruction_sets[i] == name) return dispatching::can_run(i);
  return false;
}

/// A function compiled Levels times. Called, it is the variant for the best instruction set of this
/// processor, or for the one that BIJOU_ISA names. With one level there is nothing to choose.
template <class Signature, std::size_t Levels> class dispatched {
  static_assert(Levels == 0, "bijou: BIJOU_DISPATCH(name, R(A...)) expects the type of a function, "
                             "without noexcept");
};

template <class R, class... A, std::size_t Levels> class dispatched<R(A...), Levels> {
 public:
  using function = R(A...);

  template <class... F>
  constexpr explicit dispatched(F&... compiled) noexcept : compiled_{&compiled...} {}

  /// \throws std::invalid_argument  where BIJOU_ISA names what is unknown or what the processor
  ///                                lacks; it says what the processor has
  R operator()(A... arguments) const {
    if constexpr (has_choice)
      return compiled_[dispatching::chosen()](std::forward<A>(arguments)...);
    else
      return compiled_[0](std::forward<A>(arguments)...);
  }

  /// The instruction set whose variant a call runs; "as built" where the function was compiled
  /// once, for what its unit's flags say.
  /// \throws std::invalid_argument  as a call
  std::string_view instruction_set() const {
    if constexpr (has_choice) return instruction_sets[dispatching::chosen()];
    return "as built";
  }

  /// The variant for one instruction set, whatever a call would run: to compare them.
  /// \throws std::invalid_argument  where the name is unknown or the processor lacks it
  function* variant(std::string_view name) const {
    const std::size_t level = dispatching::level_of(name, "the variant asked for");
    return compiled_[has_choice ? level : 0];
  }

 private:
  static constexpr bool has_choice = Levels == instruction_sets.size();
  static_assert(has_choice || Levels == 1);
  std::array<function*, Levels> compiled_;
};

} // namespace bijou

/// Declares the function `name` of the given type, `BIJOU_DISPATCH(name, R(A...));`, at namespace
/// scope: an object to call, and a function for each variant in a namespace of its own.
#if defined(BIJOU_VARIANTS) && defined(__x86_64__)
#define BIJOU_DISPATCH(name, ...)                                                                  \
  namespace bijou_sse4_2 {                                                                         \
  ::std::type_identity_t<__VA_ARGS__> name;                                                        \
  }                                                                                                \
  namespace bijou_avx2 {                                                                           \
  ::std::type_identity_t<__VA_ARGS__> name;                                                        \
  }                                                                                                \
  namespace bijou_avx512 {                                                                         \
  ::std::type_identity_t<__VA_ARGS__> name;                                                        \
  }                                                                                                \
  inline constexpr ::bijou::dispatched<__VA_ARGS__, 3> name {                                      \
    bijou_sse4_2::name, bijou_avx2::name, bijou_avx512::name                                       \
  }
#else
#define BIJOU_DISPATCH(name, ...)                                                                  \
  namespace bijou_as_built {                                                                       \
  ::std::type_identity_t<__VA_ARGS__> name;                                                        \
  }                                                                                                \
  inline constexpr ::bijou::dispatched<__VA_ARGS__, 1> name { bijou_as_built::name }
#endif

/// The qualified name of a dispatched function's variant, where it is defined. bijou_add_variants
/// gives each variant its BIJOU_VARIANT_LEVEL.
#if !defined(BIJOU_VARIANTS) || !defined(__x86_64__)
#define BIJOU_VARIANT(name) bijou_as_built::name
#elif defined(BIJOU_VARIANT_LEVEL)
#if BIJOU_VARIANT_LEVEL == 0
#define BIJOU_VARIANT(name) bijou_sse4_2::name
#if defined(__AVX__)
#error "bijou: flags of the program (-mavx, ...) reach its SSE4.2 variant"
#endif
#elif BIJOU_VARIANT_LEVEL == 1
#define BIJOU_VARIANT(name) bijou_avx2::name
#if defined(__AVX512F__)
#error "bijou: flags of the program (-mavx512f, ...) reach its AVX2 variant"
#endif
#else
#define BIJOU_VARIANT(name) bijou_avx512::name
#endif
#endif
