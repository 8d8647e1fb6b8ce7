// Whole nodes on virtual time and simulated disks: the real actors and the real storage on CAF's test scheduler,
// links within the process. Nothing happens but in `pass` and in what changes a node, on the caller's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/crew.hpp"
#include "bridge/loopback.hpp"
#include "storage/replica.hpp"
#include "tests/property/app_database.hpp"
#include "tests/simulation/chronicle.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/plants.hpp"

namespace tandem::simulation {

enum class death {
  kill,  ///< the process ends; what it has written stays
  power, ///< the machine stops; what was not synced is gone or torn
};

struct node_setup {
  std::string name;
  std::vector<std::string> schema; ///< SQL; empty: adopts what its peers track
  std::vector<std::string> tables;
  std::string parent;       ///< name of the node that it calls; empty: none
  bool app_syncs = true;    ///< the app's own commits are fsynced
  int checkpoint_pages = 0; ///< after so many pages the app's connection checkpoints
};

class stage {
public:
  stage(std::uint64_t seed, chronicle& record, plant planted);
  ~stage();
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;

  /// A node with a database of its own, or with a copy of another's; it does not run yet.
  std::size_t add(node_setup setup);
  std::size_t add_copy(node_setup setup, const disk_image& image);
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] const std::string& name(std::size_t node) const;
  [[nodiscard]] bool runs(std::size_t node) const;

  /// False, with the reason in the record, if the node can't start now.
  bool start(std::size_t node);
  void stop(std::size_t node);
  void crash(std::size_t node, death how);
  /// The node dies by itself after so many operations of its disk.
  void crash_later(std::size_t node, std::uint64_t operations, death how);
  /// The other file is put in place of the node's own, which must not run.
  void restore(std::size_t node, const disk_image& image, bool keeps_inode);
  [[nodiscard]] disk_image copy(std::size_t node) const;

  disk& disk_of(std::size_t node);
  actors::crew& crew(std::size_t node);
  /// The app's connection; a new one if it has none. Throws sql_error.
  property::app_database& app(std::size_t node);
  void close_app(std::size_t node);
  /// What a file watch would do.
  void ring(std::size_t node);
  /// One more connection of the core, as the program's other commands open one.
  storage::replica open(std::size_t node);
  void move_clock(std::size_t node, std::int64_t by_ms);
  void set_clock_right(std::size_t node);
  /// Time goes by everywhere, in which all machines sleep.
  void sleep_all(std::int64_t ms);
  /// Nodes that have died since this was last asked.
  std::vector<std::size_t> take_deaths();

  bridge::loopback_world& links();
  /// How many frames all links together carry in a millisecond; few: slow peers.
  void set_pace(std::size_t frames_each_ms);
  /// Called after each message that an actor has served, with a number to choose by.
  void on_job(std::function<void(std::uint64_t chance)> handler);
  void pass(std::int64_t ms);
  /// Virtual milliseconds since the beginning.
  [[nodiscard]] std::int64_t now_ms() const;

private:
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

} // namespace tandem::simulation
