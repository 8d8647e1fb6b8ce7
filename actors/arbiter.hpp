// The arbiter brings in what peers send: it greets them, merges their bundles, and carries out what people
// choose for conflicts. It owns the merging connection.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/core.hpp"
#include "actors/device_clock.hpp"
#include "actors/measuring.hpp"
#include "actors/observer.hpp"
#include "actors/parking.hpp"
#include "messages/catalogue.hpp"
#include "messages/internal.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

struct arbiter_options {
  replica_opener open;
  std::string name;                      ///< what this node calls itself
  std::string program;                   ///< its version
  std::uint64_t instance = 0;            ///< random for each run
  bool adopts = false;                   ///< takes over its peers' tables
  std::shared_ptr<device_clock> clock;   ///< by which the replica stamps; corrected here
  std::function<void()> on_new_identity; ///< the replica has taken a new site id; may be empty
};

/// Gets bundle parts, hello and resume of the peers from the endpoints, `open_link` from endpoints, `announce`
/// from queues, `tables_changed` from the observer, `link_closed` from the supervisor, `choice` from the host.
/// Compares tables with the peers that it calls, when the host says `compare_now` and now and then.
/// Gives hello, resume and acks for the peers, `consumed`, `link_ready` and `end_link` to endpoints, `start_link`
/// and `announced` to queues, `grown` to the batcher, and news to the host.
class arbiter : public actor_core {
public:
  explicit arbiter(arbiter_options options);

  void start(outbox& out) override;
  void receive(const frame& message, outbox& out) override;
  void tick(outbox& out) override;

private:
  /// A comparison with the peer of one link, table by table.
  struct comparison {
    std::uint64_t request = 0; ///< the host's; 0: nobody asked
    std::uint64_t number = 0;  ///< of the last question
    std::vector<std::string> tables;
    std::size_t next = 0;     ///< the table at hand
    std::size_t tries = 0;    ///< questions that came at the wrong moment
    std::size_t rounds = 0;   ///< messages' worth of this table that were mended
    std::uint64_t ranges = 0; ///< that differed
    std::uint64_t rows = 0;   ///< that were mended here
    std::string trouble;
  };
  struct link {
    explicit link(std::string folder) : parts{std::move(folder)} {}
    std::uint64_t dialer = 0; ///< 0: the peer called us
    [[nodiscard]] bool is_dialed() const { return dialer != 0; }
    bool is_ended = false; ///< we asked for its end; what still comes is dropped
    std::string peer_name;
    std::uint64_t told_schema = 0; ///< version of our tables in the last hello
    std::uint64_t told_run = 0;    ///< the latest run of our log in it
    std::optional<messages::hello> peer;
    std::string trouble;       ///< of the peer's, that does not end the link
    std::int64_t ahead_ms = 0; ///< our clock's, of the peer's, at its hello
    bool is_running = false;
    std::uint64_t start = 0;      ///< how far the peer had applied our log when it resumed
    bool awaits_snapshot = false; ///< nothing goes out before the peer's snapshot is merged
    std::optional<comparison> comparing;
    std::optional<std::int64_t> compare_us; ///< when to begin, or to ask again
    parking parts;
    std::uint64_t bytes = 0; ///< of the bundle that comes in
  };

  bool receive_from_peer(const frame& message, outbox& out);
  void receive_inside(const frame& message, outbox& out);

  void open_link(std::uint64_t number, const messages::open_link& order, outbox& out);
  void say_hello(std::uint64_t number, link& to, outbox& out);
  std::uint64_t stamp(outbox& out);
  void say_hello_to_all(outbox& out);
  void take_hello(std::uint64_t number, link& from, messages::hello hello, outbox& out);
  void check_peer(link& from, const messages::hello& hello, outbox& out);
  void check_clock(link& from, const messages::hello& hello);
  void mend_stamps(link& from, std::uint64_t acked);
  void fit_tables(const messages::hello& hello);
  void take_resume(std::uint64_t number, link& from, const messages::resume& resume, outbox& out);
  static void introduce_to_monitor(std::uint64_t number, const link& peer, std::uint64_t applied, outbox& out);
  void start_queue(std::uint64_t number, link& to, outbox& out);
  void renew_identity(const std::string& why, outbox& out);

  void take_part(std::uint64_t number, link& from, const messages::bundle_part& part, outbox& out);
  void merge(std::uint64_t number, link& from, const messages::bundle_header& header,
             const storage::block_source& blocks, passage way, outbox& out);
  void tell_merged(std::uint64_t number, const storage::merge_report& report, const passage& way, outbox& out);
  void forget_link(std::uint64_t number, outbox& out);
  void end_link(std::uint64_t number, const messages::failure& why, outbox& out);
  void choose(const messages::choice& choice, outbox& out);

  void compare_now(const messages::compare_now& order, outbox& out);
  void begin_comparing(link& with, std::uint64_t request);
  void ask_to_compare(std::uint64_t number, link& with, outbox& out);
  void take_compare(std::uint64_t number, link& from, const messages::compare& question, outbox& out);
  void take_compared(std::uint64_t number, link& from, const messages::compared& answer, outbox& out);
  void mend_ranges(std::uint64_t number, link& from, const messages::range_rows& theirs, outbox& out);
  void take_mend(link& from, const messages::mend& order, outbox& out);
  void end_comparing(link& with, outbox& out);
  void plan_comparing(outbox& out) const;

  arbiter_options options_;
  std::optional<storage::replica> replica_;
  storage::identity self_;
  std::uint64_t head_ = 0;
  std::map<std::uint64_t, link> links_;
};

} // namespace tandem::actors
