# bijou::mpi: bijou::bijou and an MPI library (OpenMPI, MPICH), where one is found. A cross compiler
# would find the library of the host.
if(CMAKE_CROSSCOMPILING OR TARGET bijou::mpi)
  return()
endif()
set(MPI_CXX_SKIP_MPICXX ON) # C++ bindings that MPI 3 has given up
find_package(MPI QUIET COMPONENTS CXX GLOBAL)
if(MPI_CXX_FOUND)
  add_library(bijou::mpi INTERFACE IMPORTED GLOBAL)
  target_link_libraries(bijou::mpi INTERFACE bijou::bijou MPI::MPI_CXX)
endif()
