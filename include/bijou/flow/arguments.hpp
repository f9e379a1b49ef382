#pragma once
/// \file
/// Which arguments fit which place of a call.
///
/// Every call takes its arguments in one order: the stream (if it draws), samples, the context (of
/// flows with given<C>), outputs, the workspace. A call is a table of the forms it has; whether an
/// argument list fits one of them, or what the nearest one wants, is found while compiling.

#include <bijou/flow/workspace.hpp>
#include <bijou/interop/batch.hpp>
#include <bijou/interop/xtensor.hpp>
#include <bijou/random/philox.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <random>
#include <span>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {

// --- the kinds of arguments. A is the type as it was passed: Y&, const Y& or Y (a temporary).

template <class A> using passed = std::remove_reference_t<A>; // with its const
template <class A> using bare = std::remove_cvref_t<A>;

template <class A> inline constexpr bool is_batch_view = false;
template <class U> inline constexpr bool is_batch_view<batch_view<U>> = true;
template <class A> inline constexpr bool is_workspace = false;
template <class U> inline constexpr bool is_workspace<workspace<U>> = true;

/// A contiguous range that is no xtensor: std::span, std::array, an array, std::vector.
template <class A>
concept range_argument = !xtensor_like<bare<A>> && requires(passed<A>& a) { std::span(a); };
template <range_argument A> using span_for = decltype(std::span(std::declval<passed<A>&>()));
/// One of a length that the compiler knows: one event, or one context.
template <class A>
concept event_argument = range_argument<A> && span_for<A>::extent != std::dynamic_extent;

/// Whether a call with these samples, or this context, is one for a single event.
template <class A> constexpr bool is_one() {
  if constexpr (event_argument<A>)
    return true;
  else if constexpr (xtensor_like<bare<A>>)
    return has_rank_one<bare<A>>();
  else
    return false;
}

/// What samples can be drawn with: a philox of one's own, or a standard generator of random bits.
template <class Stream>
inline constexpr bool is_stream =
    std::is_same_v<Stream, philox> || std::uniform_random_bit_generator<Stream>;

// --- whether they fit

/// A place in a call.
enum class role : unsigned char {
  stream,
  count,   ///< of samples to be drawn
  samples, ///< read
  drawn,   ///< samples that are written: they stand first
  context,
  written, ///< samples that are written
  values,  ///< a number for each sample, written
  memory   ///< the workspace
};

/// What is wrong with an argument list.
enum class mistake : unsigned char {
  none,
  form, ///< it is none of the call's
  context_missing,
  context_unwanted,
  unknown_length,
  event_size,
  context_size,
  scalar,
  constant,
  constant_or_context,
  values,
  number_for_a_batch,
  memory,
  stream
};

/// Of samples or a context that are read, `size` numbers each; 0: any.
template <class T, class A> constexpr mistake as_read(int size, mistake other_size) {
  if constexpr (xtensor_like<bare<A>>) {
    return mistake::none;
  } else if constexpr (is_batch_view<bare<A>>) {
    return std::is_convertible_v<bare<A>, batch_view<const T>> ? mistake::none : mistake::scalar;
  } else if constexpr (range_argument<A>) {
    using span = span_for<A>;
    if constexpr (span::extent == std::dynamic_extent) return mistake::unknown_length;
    if (!std::is_same_v<typename span::value_type, T>) return mistake::scalar;
    return size == 0 || span::extent == static_cast<std::size_t>(size) ? mistake::none : other_size;
  } else {
    return mistake::form;
  }
}
/// Of samples that are written.
template <class T, class A> constexpr mistake as_written(int size) {
  if constexpr (xtensor_like<bare<A>>) {
    if (!written_xtensor<passed<A>>) return mistake::constant;
    return std::is_same_v<typename bare<A>::value_type, T> ? mistake::none : mistake::scalar;
  } else if constexpr (is_batch_view<bare<A>>) {
    if (std::is_same_v<bare<A>, batch_view<const T>>) return mistake::constant;
    return std::is_same_v<bare<A>, batch_view<T>> ? mistake::none : mistake::scalar;
  } else if constexpr (event_argument<A>) {
    const mistake read = as_read<T, A>(size, mistake::event_size);
    const bool constant = std::is_const_v<typename span_for<A>::element_type>;
    return read == mistake::none && constant ? mistake::constant : read;
  } else {
    return as_read<T, A>(size, mistake::event_size);
  }
}
/// Of a number for each sample. One: for one event, which a variable of type T can take.
template <class T, class A> constexpr mistake as_values(bool one) {
  using element = std::remove_pointer_t<bare<A>>;
  if constexpr (std::is_null_pointer_v<bare<A>>) {
    return mistake::none;
  } else if constexpr (std::is_pointer_v<bare<A>>) {
    if (std::is_same_v<element, const T>) return mistake::constant;
    return std::is_same_v<element, T> ? mistake::none : mistake::scalar;
  } else if constexpr (std::is_arithmetic_v<bare<A>>) {
    if (!std::is_lvalue_reference_v<A>) return mistake::values;
    if (!std::is_same_v<bare<A>, T>) return mistake::scalar;
    if (std::is_const_v<passed<A>>) return mistake::constant;
    return one ? mistake::none : mistake::number_for_a_batch;
  } else if constexpr (xtensor_like<bare<A>>) {
    if (const mistake m = as_written<T, A>(0); m != mistake::none) return m;
    return has_rank_one<bare<A>>() && has_strides<bare<A>> ? mistake::none : mistake::values;
  } else if constexpr (range_argument<A>) {
    using element_of_range = typename span_for<A>::element_type;
    if (std::is_same_v<element_of_range, const T>) return mistake::constant;
    return std::is_same_v<element_of_range, T> ? mistake::none : mistake::scalar;
  } else {
    return mistake::values;
  }
}

/// What the flow of a call says of itself.
struct call_facts {
  int size;         ///< D
  int context_size; ///< C
  bool one;         ///< the samples are one event
};

/// Whether an argument fits a place.
template <class T, class A> constexpr mistake as(role s, call_facts f) {
  switch (s) {
  case role::stream:
    return is_stream<passed<A>> ? mistake::none : mistake::stream;
  case role::count:
    return std::integral<bare<A>> && !std::same_as<bare<A>, bool> ? mistake::none : mistake::form;
  case role::samples:
    return as_read<T, A>(f.size, mistake::event_size);
  case role::context:
    return as_read<T, A>(f.context_size, mistake::context_size);
  case role::drawn:
  case role::written:
    return as_written<T, A>(f.size);
  case role::values:
    return as_values<T, A>(f.one);
  case role::memory:
    if (std::is_same_v<A, workspace<T>&>) return mistake::none;
    return is_workspace<bare<A>> ? mistake::memory : mistake::form;
  }
  return mistake::form;
}

// --- forms

/// One way to call: what stands at which place. The context is left out of flows without given<C>.
struct form {
  std::array<role, 6> roles{};
  std::size_t count = 0;

  constexpr form(std::initializer_list<role> s) {
    for (const role one : s) roles[count++] = one;
  }
  constexpr form without(role left_out) const {
    form f{};
    for (std::size_t i = 0; i < count; ++i)
      if (roles[i] != left_out) f.roles[f.count++] = roles[i];
    return f;
  }
};

/// How far an argument list fits a form: up to which place, and what is wrong there.
struct match {
  std::size_t fitting = 0;
  mistake why = mistake::form;
};

template <std::size_t N> using fitters = std::array<mistake (*)(role, call_facts), N>;

template <std::size_t N>
constexpr match match_form(const form& f, const fitters<N>& arguments, call_facts facts) {
  for (std::size_t i = 0; i < N && i < f.count; ++i)
    if (const mistake m = arguments[i](f.roles[i], facts); m != mistake::none) return {i, m};
  return {N, N == f.count ? mistake::none : mistake::form};
}
/// The nearest of the forms of as many arguments; without any, the call has no such form.
template <std::size_t N, std::size_t Forms>
constexpr mistake match_forms(const std::array<form, Forms>& forms, const fitters<N>& arguments,
                              call_facts facts, bool with_context) {
  match best;
  for (const form& f : forms) {
    const form wanted = with_context ? f : f.without(role::context);
    if (wanted.count != N) continue;
    const match m = match_form(wanted, arguments, facts);
    if (m.why == mistake::none) return m.why;
    if (m.fitting > best.fitting || best.why == mistake::form) best = m;
  }
  return best.why;
}

/// What is wrong with the arguments A of a call on a Self.
template <class Self, class T, int D, class... A, std::size_t Forms>
constexpr mistake find_mistake_in(const std::array<form, Forms>& forms) {
  constexpr fitters<sizeof...(A)> arguments{&as<T, A>...};
  constexpr int C = Self::context_size;
  const bool one =
      (false || ... || (is_one<A>() && as_read<T, A>(D, mistake::event_size) == mistake::none));
  const call_facts facts{D, C, one};
  const mistake found = match_forms(forms, arguments, facts, C > 0);
  // Would it fit without the context, or with one?
  const bool turned = match_forms(forms, arguments, facts, C == 0) == mistake::none;
  if (found == mistake::none || !turned) return found;
  if (C > 0) return mistake::context_missing;
  if (found == mistake::form) return mistake::context_unwanted;
  return found == mistake::constant ? mistake::constant_or_context : found;
}

} // namespace detail
} // namespace bijou::inline BIJOU_ISA
