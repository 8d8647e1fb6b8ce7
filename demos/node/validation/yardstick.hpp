// How fast the machine itself is at the moment, measured by what holds nothing of Tandem.
#pragma once

#include <filesystem>
#include <memory>

#include "monitor/figures.hpp"

namespace tandem::node {

/// A machine's pace changes within minutes: a laptop gets warm, and a virtual machine has neighbours. What the program
/// took can be told from what the machine did only by something that is measured beside it and stays the same: a row's
/// way through three files of plain SQLite, each of a thread of its own, which wakes the next one through a socket. Of
/// the things tried, the time of this moved most like that of a change from commit to commit (r = 0.9 over the rounds
/// of 14 validations; messages between threads alone 0.8, a computation 0.6, plain commits 0.3).
class yardstick {
public:
  /// `file`: where its files' names begin. Throws messages::failure (storage) if they can't be made.
  explicit yardstick(const std::filesystem::path& file);
  ~yardstick();
  yardstick(const yardstick&) = delete;
  yardstick& operator=(const yardstick&) = delete;

  /// Takes some 20 ms and adds samples of the figure monitor::machine_pace. Throws messages::failure (storage) if a
  /// file can't be written any more.
  void lay_on(monitor::validation_report& into);

private:
  class relay;
  std::unique_ptr<relay> relay_;
};

} // namespace tandem::node
