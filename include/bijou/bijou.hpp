#pragma once
/// \file
/// Everything a user needs, but files: they bring a JSON library into the compilation, a quarter
/// of its time. Programs that save or load include bijou/io/save_load.hpp too.

// clang-format off
// First: an error in them quotes the way to them.
#include <bijou/kernels/std_functions.hpp>
#include <bijou/reverse/number.hpp>
#include <bijou/reverse/vector.hpp>
#include <bijou/reverse/formulas.hpp>
// clang-format on
#include <bijou/bases/beta.hpp>
#include <bijou/bases/box.hpp>
#include <bijou/bases/cauchy.hpp>
#include <bijou/bases/diagonal_normal.hpp>
#include <bijou/bases/exponential.hpp>
#include <bijou/bases/full_rank_normal.hpp>
#include <bijou/bases/gamma.hpp>
#include <bijou/bases/gumbel.hpp>
#include <bijou/bases/laplace.hpp>
#include <bijou/bases/logistic.hpp>
#include <bijou/bases/normal.hpp>
#include <bijou/bases/student_t.hpp>
#include <bijou/bases/uniform.hpp>
#include <bijou/bijectors/conditioners/autoregressive.hpp>
#include <bijou/bijectors/conditioners/coupling.hpp>
#include <bijou/bijectors/conditioners/driven.hpp>
#include <bijou/bijectors/elementwise.hpp>
#include <bijou/bijectors/elementwise/arctan.hpp>
#include <bijou/bijectors/elementwise/elu.hpp>
#include <bijou/bijectors/elementwise/exp.hpp>
#include <bijou/bijectors/elementwise/gumbel.hpp>
#include <bijou/bijectors/elementwise/leaky_relu.hpp>
#include <bijou/bijectors/elementwise/leaky_tanh.hpp>
#include <bijou/bijectors/elementwise/power.hpp>
#include <bijou/bijectors/elementwise/sigmoid.hpp>
#include <bijou/bijectors/elementwise/softclip.hpp>
#include <bijou/bijectors/elementwise/softplus.hpp>
#include <bijou/bijectors/elementwise/standardise.hpp>
#include <bijou/bijectors/elementwise/tanh.hpp>
#include <bijou/bijectors/given.hpp>
#include <bijou/bijectors/inverse.hpp>
#include <bijou/bijectors/linear/channel_permute.hpp>
#include <bijou/bijectors/linear/discrete_cosine.hpp>
#include <bijou/bijectors/linear/haar.hpp>
#include <bijou/bijectors/linear/householder.hpp>
#include <bijou/bijectors/linear/lower_triangular.hpp>
#include <bijou/bijectors/linear/lu.hpp>
#include <bijou/bijectors/linear/matrix_exponential.hpp>
#include <bijou/bijectors/linear/permute.hpp>
#include <bijou/bijectors/linear/rotation.hpp>
#include <bijou/bijectors/linear/singular_value.hpp>
#include <bijou/bijectors/mixing.hpp>
#include <bijou/bijectors/on.hpp>
#include <bijou/bijectors/residual/planar.hpp>
#include <bijou/bijectors/residual/radial.hpp>
#include <bijou/bijectors/residual/sylvester.hpp>
#include <bijou/flow/bijector.hpp>
#include <bijou/flow/condition.hpp>
#include <bijou/flow/describe.hpp>
#include <bijou/flow/initialise_from.hpp>
#include <bijou/flow/make_flow.hpp>
#include <bijou/flow/marginal.hpp>
#include <bijou/flow/parallel.hpp>
#include <bijou/flow/parameters.hpp>
#include <bijou/flow/standardise_context.hpp>
#include <bijou/inference/diagnostics.hpp>
#include <bijou/random/philox.hpp>
#include <bijou/training/elbo.hpp>
#include <bijou/training/fit.hpp>
#include <bijou/training/fit_to.hpp>
#include <bijou/training/importance.hpp>
#include <bijou/training/integrate.hpp>
#include <bijou/training/objectives.hpp>
#include <bijou/training/pulled_back.hpp>
#include <bijou/training/scalar_target.hpp>
#include <bijou/training/value_and_grad.hpp>
#include <bijou/transformers/additive.hpp>
#include <bijou/transformers/affine.hpp>
#include <bijou/transformers/clamped_affine.hpp>
#include <bijou/transformers/diagonal_affine.hpp>
#include <bijou/transformers/gated.hpp>
#include <bijou/transformers/rational_linear.hpp>
#include <bijou/transformers/rational_quadratic.hpp>
#include <bijou/transformers/softplus_affine.hpp>

// A variant for another instruction set has its own.
#if defined(BIJOU_COMPILED) && !defined(BIJOU_VARIANT_LEVEL)
#include <bijou/compiled.hpp>
#endif
