// A small replica with a bit of everything that a merge has to deal with.
#pragma once

#include <string>

#include "storage/replica.hpp"

namespace tandem::fuzz {

/// A replica in a temporary folder of its own (memory, where /dev/shm exists), removed at the end.
class fuzz_replica {
public:
  explicit fuzz_replica(const std::string& name);
  ~fuzz_replica();
  fuzz_replica(const fuzz_replica&) = delete;
  fuzz_replica& operator=(const fuzz_replica&) = delete;

  /// Plain SQL of the app.
  void execute(const std::string& sql) const;

private:
  const std::string folder_;

public:
  storage::replica core;
};

} // namespace tandem::fuzz
