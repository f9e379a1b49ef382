# What two programs cost the compiler; seconds are recorded and not compared:
#   cmake -DPROGRAM=<bench_compile_time> -DMEASURED=<a file> -DTABLE=<compile_time.csv> [-DUPDATE=ON]
#         -P compile_time.cmake
include(${CMAKE_CURRENT_LIST_DIR}/gate.cmake)

execute_process(COMMAND ${PROGRAM} --table ${MEASURED} COMMAND_ERROR_IS_FATAL ANY)
gate(${MEASURED} ${TABLE} "${UPDATE}" "object KiB=10" "peak MiB of the compiler=15")
