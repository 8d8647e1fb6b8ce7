// Names of threads, by which `top -H` and the monitor's figures tell whose processor time it is.
#pragma once

#include <pthread.h>
#include <string>

namespace tandem::actors {

/// Of 15 characters at most: else the calling thread keeps the name that it has.
inline void name_this_thread(const std::string& what) {
  pthread_setname_np(pthread_self(), ("tandem." + what).c_str());
}

} // namespace tandem::actors
