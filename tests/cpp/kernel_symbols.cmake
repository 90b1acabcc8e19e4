# Fails where a kernel unit built for a newer instruction set defines a function that the linker could
# share with other units: baseline code would then run AVX instructions on a machine without them.
# And where it has a function of vector mathematics that was not inlined.
# Called with -DNM=... -DLIBRARY=<the static library of the core>.
execute_process(COMMAND ${NM} -A ${LIBRARY} OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${NM} cannot read ${LIBRARY}")
endif()
string(REGEX MATCHALL "[^\n]*avx[0-9]+\\.cpp[^\n]*" lines "${symbols}")
list(LENGTH lines count)
if(count EQUAL 0)
  message(STATUS "no kernel unit for a newer instruction set on this machine")
endif()
foreach(line IN LISTS lines)
  # W, V, u: weak or unique definitions (of inline functions and templates); T: a function by name.
  if(line MATCHES " ([WVuT]) ([^ ]+)$")
    message(SEND_ERROR "shared definition in a kernel unit: ${line}")
  endif()
  # Those that two loops take as they are may stand by themselves.
  if(line MATCHES " t (_ZN6fastad12_GLOBAL__N_16vector[^ ]+)$" AND NOT line MATCHES "_and_")
    message(SEND_ERROR "called in loops, which do not vectorise then: ${line}")
  endif()
endforeach()
message(STATUS "${count} symbols looked at")
