#pragma once
/// \file
/// A function that is passed on by reference, so that who calls it is compiled once for all.

#include <bijou/kernels/isa.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace bijou::inline BIJOU_ISA::detail {

template <class Signature> class function_ref;
/// Refers to something that can be called, which must live as long: for parameters, not to be kept.
template <class R, class... A> class function_ref<R(A...)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, function_ref>)
  function_ref(F&& f) // NOLINT(google-explicit-constructor,bugprone-forwarding-reference-overload)
      : function_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* function, A... a) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(function))(std::forward<A>(a)...);
        }) {}

  R operator()(A... a) const { return call_(function_, std::forward<A>(a)...); }

 private:
  void* function_;
  R (*call_)(void*, A...);
};

} // namespace bijou::inline BIJOU_ISA::detail
