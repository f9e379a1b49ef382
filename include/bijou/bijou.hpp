#pragma once
/// \file
/// Everything a user needs.

#include <bijou/bases/normal.hpp>
#include <bijou/bases/uniform.hpp>
#include <bijou/bijectors/autoregressive.hpp>
#include <bijou/bijectors/coupling.hpp>
#include <bijou/bijectors/elementwise.hpp>
#include <bijou/bijectors/given.hpp>
#include <bijou/bijectors/inverse.hpp>
#include <bijou/bijectors/on.hpp>
#include <bijou/bijectors/permute.hpp>
#include <bijou/bijectors/standardise.hpp>
#include <bijou/flow/make_flow.hpp>
#include <bijou/random/philox.hpp>
#include <bijou/transformers/affine.hpp>
#include <bijou/transformers/clamped_affine.hpp>
#include <bijou/transformers/gated.hpp>
#include <bijou/transformers/rational_quadratic.hpp>
