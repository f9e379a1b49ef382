#pragma once
/// \file
/// Vectors that begin on a cache line, for parameters and workspaces.

#include <bijou/kernels/isa.hpp>

#include <boost/align/aligned_allocator.hpp>

#include <vector>

namespace bijou::inline BIJOU_ISA {

/// A std::vector whose data is aligned to 64 bytes.
template <class T>
using aligned_vector = std::vector<T, boost::alignment::aligned_allocator<T, 64>>;

} // namespace bijou::inline BIJOU_ISA
