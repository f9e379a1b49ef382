#pragma once
/// \file
/// Training on several machines: the processes of an MPI communicator share each batch.
///
///     int main(int argc, char** argv) {
///       const mpi::environment environment(argc, argv);
///       const mpi::communicator world;
///       auto q = make_flow<float>(posterior, 7);
///       fit_to(q, target, {.epochs = 100}, world);            // the same call on all ranks
///       if (world.rank() == 0) save(q, "posterior.safetensors");
///     }
///
/// Not part of bijou.hpp: it needs an MPI library (CMake: `bijou::mpi`). Calls come from the thread
/// that made the environment; threads of a run (options.threads) make none.

#include <bijou/flow/thread_team.hpp>
#include <bijou/training/processes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <limits>
#include <mpi.h>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA::mpi {

/// What MPI reports, in its own words.
class error : public std::runtime_error {
 public:
  /// \param call the name of the function that failed \param code what it returned
  error(const std::string& call, int code)
      : std::runtime_error(call + ": " + words(code)), code_(code) {}
  /// MPI's number for it.
  int code() const { return code_; }

 private:
  static std::string words(int code) {
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    int length = 0;
    if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS)
      return "error " + std::to_string(code);
    return {text.data(), static_cast<std::size_t>(length)};
  }
  int code_;
};

namespace detail {
inline void check(const char* call, int code) {
  if (code != MPI_SUCCESS) throw error(call, code);
}
} // namespace detail

/// MPI from here to the end of the scope, which no communicator may outlive. An exception that
/// leaves the scope in one process ends all processes, as they would wait for it for ever. Programs
/// that begin and end MPI themselves have no use for it.
class environment {
 public:
  /// \throws mpi::error if MPI cannot begin (without mpirun it begins with one process)
  environment(int& argc, char**& argv) {
    int provided = 0;
    detail::check("MPI_Init_thread", MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided));
  }
  environment(const environment&) = delete;
  environment(environment&&) = delete;
  environment& operator=(const environment&) = delete;
  environment& operator=(environment&&) = delete;
  ~environment() {
    if (std::uncaught_exceptions() > 0) {
      std::fputs("bijou: an exception leaves the scope of MPI; ending all processes\n", stderr);
      MPI_Abort(MPI_COMM_WORLD, 1);
    }
    MPI_Finalize();
  }
};

/// The processes of an MPI communicator: what fit and fit_to take as their last argument.
///
/// Has a communicator of its own with the same processes, so that its messages meet no others and
/// MPI's errors become exceptions. Making one is collective.
class communicator {
 public:
  /// \throws mpi::error
  explicit communicator(MPI_Comm processes = MPI_COMM_WORLD) {
    detail::check("MPI_Comm_dup", MPI_Comm_dup(processes, &handle_));
    detail::check("MPI_Comm_set_errhandler", MPI_Comm_set_errhandler(handle_, MPI_ERRORS_RETURN));
    detail::check("MPI_Comm_rank", MPI_Comm_rank(handle_, &rank_));
    detail::check("MPI_Comm_size", MPI_Comm_size(handle_, &size_));
  }
  communicator(const communicator&) = delete;
  communicator(communicator&&) = delete;
  communicator& operator=(const communicator&) = delete;
  communicator& operator=(communicator&&) = delete;
  ~communicator() {
    if (std::uncaught_exceptions() == 0) MPI_Comm_free(&handle_); // collective: else it might wait
  }

  int rank() const { return rank_; } ///< of this process, 0 .. size() - 1
  int size() const { return size_; } ///< how many processes
  MPI_Comm handle() const { return handle_; }

  /// The items [begin, end) of `count` that are this process's: contiguous, in the ranks' order,
  /// sizes differ by at most one. Samples that do not depend on the number of processes:
  ///
  ///     const auto mine = world.part(100'000);
  ///     stream.advance(mine.begin);
  ///     auto y = q.sample(stream, mine.end - mine.begin);
  auto part(std::size_t count) const {
    return bijou::detail::share::of(count, static_cast<std::size_t>(rank_),
                                    static_cast<std::size_t>(size_));
  }

  /// Puts the sums over all processes in place of the values: in all of them the same bits.
  /// Collective. \throws mpi::error
  template <class T> void sum(std::span<T> values) const {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>,
                  "bijou: communicator.sum adds floats or doubles");
    MPI_Datatype type = std::is_same_v<T, float> ? MPI_FLOAT : MPI_DOUBLE;
    in_pieces(values, [&](T* first, int count) {
      detail::check("MPI_Allreduce",
                    MPI_Allreduce(MPI_IN_PLACE, first, count, type, MPI_SUM, handle_));
    });
  }
  /// Puts the bytes of process `root` in place of all others'. Collective. \throws mpi::error
  void broadcast(std::span<std::byte> bytes, int root = 0) const {
    in_pieces(bytes, [&](std::byte* first, int count) {
      detail::check("MPI_Bcast", MPI_Bcast(first, count, MPI_BYTE, root, handle_));
    });
  }

 private:
  /// MPI counts in int.
  template <class X, class F> static void in_pieces(std::span<X> values, F&& f) {
    constexpr std::size_t longest = std::numeric_limits<int>::max();
    while (!values.empty()) {
      const auto piece = values.first(std::min(values.size(), longest));
      f(piece.data(), static_cast<int>(piece.size()));
      values = values.subspan(piece.size());
    }
  }

  MPI_Comm handle_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
};

} // namespace bijou::inline BIJOU_ISA::mpi
