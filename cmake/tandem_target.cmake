# House rules for every target of the project.

# Sets warnings, include path and sanitizers of `target`.
function(tandem_target target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Werror)
  if(TANDEM_SANITIZE)
    target_compile_options(${target} PRIVATE -O1 -fsanitize=${TANDEM_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${TANDEM_SANITIZE})
  endif()
endfunction()

# A library of one folder of the architecture.
function(tandem_library name)
  add_library(${name} STATIC ${ARGN})
  tandem_target(${name})
endfunction()

# One Boost.Test program, registered with CTest. Usage: tandem_test(name LIBRARIES lib... SOURCES file...
# [TIMEOUT seconds] [LABELS label...])
function(tandem_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "LIBRARIES;SOURCES;LABELS" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300) # for what hangs; none takes a third of it on a busy machine
  endif()
  add_executable(${name} ${TEST_SOURCES})
  tandem_target(${name})
  # What it tests is optimised, the test need not be: that is half less to compile.
  target_compile_options(${name} PRIVATE -O0)
  target_compile_definitions(${name} PRIVATE BOOST_TEST_DYN_LINK)
  # The first source gets Boost.Test's main function.
  list(GET TEST_SOURCES 0 main_source)
  set_property(SOURCE ${main_source} APPEND PROPERTY COMPILE_DEFINITIONS BOOST_TEST_MODULE=${name})
  target_link_libraries(${name} PRIVATE ${TEST_LIBRARIES} Boost::unit_test_framework)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT} LABELS "${TEST_LABELS}")
endfunction()
