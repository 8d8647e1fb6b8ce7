# Turns the dashboard's built files (dashboard/dist, made by `npm run monitor` in bridge/web) into a source file.
include(${CMAKE_CURRENT_LIST_DIR}/../cmake/bytes_of.cmake) # Also without the whole project around it.

function(tandem_dashboard output)
  set(arrays "")
  set(entries "")
  foreach(file IN ITEMS index.html app.js app.css)
    set(path ${CMAKE_CURRENT_SOURCE_DIR}/dashboard/dist/${file})
    tandem_bytes_of(${path} bytes)
    string(MAKE_C_IDENTIFIER ${file} name)
    string(APPEND arrays "constexpr unsigned char ${name}[] = {${bytes}};\n")
    if(file MATCHES "html$")
      set(type "text/html; charset=utf-8")
    elseif(file MATCHES "js$")
      set(type "text/javascript; charset=utf-8")
    else()
      set(type "text/css; charset=utf-8")
    endif()
    string(APPEND entries "    {\"${file}\", \"${type}\", view_of(${name})},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT [[
#include "monitor/dashboard.hpp"

#include <cstddef>

namespace tandem::monitor {
namespace {

@arrays@
template <std::size_t size>
std::string_view view_of(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char*>(bytes), size};
}

} // namespace

const dashboard_file* dashboard_file_named(std::string_view name) {
  static const dashboard_file files[] = {
@entries@  };
  for (const auto& each : files)
    if (each.name == name)
      return &each;
  return nullptr;
}

} // namespace tandem::monitor
]])
endfunction()
