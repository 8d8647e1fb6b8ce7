// A small world of replicas in files, an app beside each, and links that lose, repeat, delay and reorder
// what they carry. No threads and no sockets: who does what when is the test's choice.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/replica.hpp"
#include "tests/property/app_database.hpp"
#include "tests/property/random_source.hpp"
#include "tests/property/temp_folder.hpp"

namespace tandem::property {

using storage::site_id;
using storage::stamp;

/// Something that must always hold did not.
struct violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void must(bool holds, const std::string& what);

/// One file with the two connections that use it.
class device {
public:
  device(std::string name, std::string path, const std::vector<std::string>& schema);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  storage::replica& core() { return *core_; }
  app_database& app() { return *app_; }
  site_id site() { return core_->self().site; }
  /// Moves this device's clock, backwards too.
  void move_clock(std::int64_t by_ms) { *now_ms_ += by_ms; }

  /// The host's callback of this device, from its next opening on: it is opened anew.
  void decide_by(std::function<storage::callback_answer(const storage::callback_question&)> decide);

  /// What SIGKILL leaves: the files as they are in this moment, whoever is in the middle of what.
  void take_image();
  /// Goes on from the last image, with new connections.
  void restart_from_image();

  /// Opens the connections anew.
  void reopen();

private:
  std::string name_;
  std::string path_;
  std::shared_ptr<std::int64_t> now_ms_;
  std::function<storage::callback_answer(const storage::callback_question&)> decide_;
  std::optional<storage::replica> core_;
  std::optional<app_database> app_;
};

/// A bundle on its way, or an acknowledgement alone (no blocks, no header).
struct packet {
  site_id from;
  messages::schema schema;
  std::optional<messages::bundle_header> header;
  std::vector<std::string> blocks;
  std::uint64_t ack_epoch = 0;
  std::uint64_t ack = 0;
};

using link = std::pair<std::size_t, std::size_t>;

/// What came of a delivery.
struct delivery {
  enum class kind { merged, repeated, gap, ack } kind = kind::ack;
  storage::merge_report report;
  std::uint64_t cursor_before = 0;
};

/// pair, chain, star, tree: connected, without circles.
std::vector<link> random_tree(random_source& random, std::size_t devices);

class world {
public:
  world(std::size_t devices, std::vector<link> links, const std::vector<std::string>& schema,
        const std::vector<std::string>& tables);

  [[nodiscard]] std::size_t size() const { return devices_.size(); }
  device& at(std::size_t index) { return *devices_[index]; }
  [[nodiscard]] const std::vector<link>& links() const { return links_; }
  temp_folder& folder() { return folder_; }

  /// What `from` has for `to` now; nothing if pending writes have to be stamped first.
  std::optional<packet> bundle(std::size_t from, std::size_t to, bool is_pipelined = false);
  /// True if `from` is about to get a snapshot from `to`: then it sends nothing before. If both are, one does.
  bool must_wait(std::size_t from, std::size_t to);
  packet acknowledgement(std::size_t from, std::size_t to);
  /// `midway` is called while the merge is between two blocks.
  delivery deliver(std::size_t to, const packet& message, const std::function<void()>& midway = {});
  /// Forgets what pipelining takes for sent: a link came up anew.
  void forget_sent() { sent_.clear(); }

  /// Stamps and exchanges over all links until nobody has anything for anybody.
  void heal(const std::function<void(std::size_t)>& stamped = {},
            const std::function<void(std::size_t, const packet&, const delivery&)>& delivered = {});

private:
  bool exchange(std::size_t from, std::size_t to,
                const std::function<void(std::size_t, const packet&, const delivery&)>& delivered);

  temp_folder folder_;
  std::vector<std::unique_ptr<device>> devices_;
  std::vector<link> links_;
  std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> sent_;
  std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> bound_;
};

/// Everything in `table` as a stock program reads it, in the order of the key.
rows read_table(app_database& app, const std::string& table, const std::vector<std::string>& columns,
                const std::vector<std::string>& key);

/// Digests equal, verify clean, compare finds nothing; throws violation that says what is not so.
void must_be_level(world& all);

} // namespace tandem::property
