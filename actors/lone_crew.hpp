// All actors of one node on one thread, without CAF: for places that have no threads, like a page's WebAssembly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "actors/casting.hpp"

namespace tandem::actors {

/// One thread only; its network calls back between calls of `run`, or from within them, but on the same thread. An
/// actor that throws is started anew by the supervisor, as in any crew.
class lone_crew {
public:
  /// `network` has to outlive it. `now_us`: a clock that never runs back. Nothing happens before `run`.
  lone_crew(bridge::network& network, cast_options options, std::function<std::int64_t()> now_us);
  ~lone_crew();
  lone_crew(const lone_crew&) = delete;
  lone_crew& operator=(const lone_crew&) = delete;

  bridge::page_handler on_page();
  bridge::accept_handler on_accept();
  /// Somebody may have written to the database.
  void ring();
  /// Handles at most so many frames and ticks. Returns when to call again, by `now_us`; nothing: when something came.
  std::optional<std::int64_t> run(std::size_t count);
  /// Orders the end, which takes further runs.
  void stop();
  [[nodiscard]] bool has_ended() const;
  [[nodiscard]] const link_board& links() const;
  [[nodiscard]] storage::replica open_replica() const;

private:
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

} // namespace tandem::actors
