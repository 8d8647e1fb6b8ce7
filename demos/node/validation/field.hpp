// Where validations are made: a hub and two devices in a folder of their own, each node a process.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "demos/node/demo/process.hpp"

namespace tandem::node {

/// The name of a folder that was made for this run.
std::filesystem::path make_own_folder(const std::string& beginning);

/// Looks again and again until it is true, or until the deadline: then throws messages::failure (busy), which says that
/// `what` did not come about.
void wait_for(const std::function<bool()>& condition, const std::string& what, int deadline_ms);

struct field_node {
  std::filesystem::path file;
  process node;
};

class field {
public:
  /// `original`: a database whose copy the devices begin with; empty: a fresh one. Throws messages::failure if a node
  /// does not come up.
  /// `settings`: further options of `tandem serve`, the same for all three nodes.
  explicit field(const std::filesystem::path& original, std::vector<std::string> settings = {});
  ~field();
  field(const field&) = delete;
  field& operator=(const field&) = delete;

  field_node hub;
  field_node near;
  field_node far;

  void start_hub();
  /// Kills the hub as a power cut would end its process.
  void kill_hub();
  /// Its links stay and nothing passes, until `thaw_hub`.
  void freeze_hub();
  void thaw_hub();
  /// A file beside the others, without any node.
  [[nodiscard]] std::filesystem::path plain_file() const { return folder_ / "plain.db"; }
  /// A path in the field's folder, which goes with it.
  [[nodiscard]] std::filesystem::path fresh_path(const std::string& name) const { return folder_ / name; }
  /// A database of its own beside the others, all of whose tables are tracked.
  [[nodiscard]] std::filesystem::path tracked_file(const std::string& name, const std::string& sql) const;
  /// Waits until all three have the same rows.
  void wait_until_level(int deadline_ms);
  /// A number that no row has yet, with room for `count` more.
  std::int64_t take_ids(std::int64_t count);

private:
  void start(field_node& which, const std::vector<std::string>& arguments);
  void run(const std::vector<std::string>& arguments) const;

  std::filesystem::path folder_;
  std::vector<std::string> settings_;
  std::string url_;
  std::int64_t next_id_ = 1;
};

} // namespace tandem::node
