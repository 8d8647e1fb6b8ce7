#include "messages/failure.hpp"

namespace tandem::messages {

std::string_view name_of(failure_code code) {
  switch (code) {
  case failure_code::usage:
    return "usage";
  case failure_code::storage:
    return "storage";
  case failure_code::busy:
    return "busy";
  case failure_code::full:
    return "full";
  case failure_code::read_only:
    return "read_only";
  case failure_code::corrupt:
    return "corrupt";
  case failure_code::schema:
    return "schema";
  case failure_code::protocol:
    return "protocol";
  case failure_code::limit:
    return "limit";
  case failure_code::clock:
    return "clock";
  case failure_code::denied:
    return "denied";
  case failure_code::not_found:
    return "not_found";
  case failure_code::network:
    return "network";
  case failure_code::defect:
    return "defect";
  }
  return "unknown";
}

} // namespace tandem::messages
