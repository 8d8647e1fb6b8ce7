// Whole nodes on virtual time: actors on CAF's test scheduler, links within the process, one seed for all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/crew.hpp"
#include "tests/unit/actors/test_folder.hpp"

namespace tandem::tests {

struct node_place;

/// Nothing happens but in `step` and `run_until`, on the caller's thread. Databases are real files.
class world {
public:
  explicit world(std::uint64_t seed);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// Makes a node's database (with table `tasks` if it is tracked from the start, else one that adopts).
  std::size_t add_node(const std::string& name, bool is_tracked, const std::vector<std::string>& peers);
  void start(std::size_t node);
  void stop(std::size_t node);

  plain_database& database(std::size_t node);
  /// Writes as an app would, and notices it as the file watch would.
  void write(std::size_t node, const std::string& sql);
  actors::crew& crew(std::size_t node);

  void cut();
  void block(const std::string& name);
  void unblock(const std::string& name);
  /// A node that does not read stays connected and takes nothing more off its links.
  void set_reading(std::size_t node, bool reads);

  /// Bytes on all links that nobody has taken yet.
  [[nodiscard]] std::size_t bytes_under_way() const;

  /// One round: all messages that are due, then links, then `ms` pass.
  void step(std::int64_t ms = 1);
  /// Steps until `is_so`, for at most `ms` of virtual time; false if it did not come about.
  bool run_until(const std::function<bool()>& is_so, std::int64_t ms = 120'000);
  /// True once all running nodes have the same rows in `tasks`.
  bool is_level();
  [[nodiscard]] std::int64_t now_ms() const;

private:
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

} // namespace tandem::tests
