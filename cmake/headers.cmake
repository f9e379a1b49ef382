# The public headers, in alphabetical order: what is installed, and what is compiled alone to show
# that it includes all it needs. A header on disk that is not in the list stops the configuration.
set(bijou_headers
    include/bijou/grammar/kind.hpp
    include/bijou/kernels/isa.hpp
    include/bijou/kernels/simd.hpp
    include/bijou/networks/activations.hpp
    include/bijou/transformers/transformer.hpp
    )

include(${CMAKE_CURRENT_LIST_DIR}/check_list.cmake)
bijou_check_list(cmake/headers.cmake bijou_headers include "*.hpp")
