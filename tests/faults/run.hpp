#pragma once
/// \file
/// A training run of a few milliseconds.

#include <bijou/bijou.hpp>
#include <bijou/io/checkpoint.hpp>

#include <cstdint>
#include <functional>

#include "../support/training_problems.hpp"

namespace bijou::testing {

inline auto made(std::uint64_t seed) { return make_flow<float>(normal<2> | maf<64, 64>, seed); }

using faulty_flow = decltype(made(0));

/// Defined once, for all tests.
fit_result train(faulty_flow& q, const checkpoints& places, int epochs,
                 const std::function<bool(const fit_epoch&)>& callback = {});

} // namespace bijou::testing
