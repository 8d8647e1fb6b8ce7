// The endpoint of a page: what a program in a browser or WebView asks of this node, over whatever transport.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "actors/page_answers.hpp"
#include "actors/page_reads.hpp"
#include "actors/page_setup.hpp"
#include "actors/page_watches.hpp"
#include "actors/page_writes.hpp"

namespace tandem::actors {

/// Gets the page's messages from its transport under its own address, `drained` from there, and `wake` when the
/// page's signals have news. It has a thread of its own, for a page's statement may take seconds. Whatever goes wrong
/// is told to the page, and ends its connection at worst.
class page_endpoint : public actor_core {
public:
  /// `token`: what the transport was shown already.
  page_endpoint(page_setup setup, bridge::shared_connection connection, std::shared_ptr<page_signals> signals,
                std::string token);

  void start(outbox& out) override;
  void receive(const frame& message, outbox& out) override;
  void tick(outbox& out) override;
  void stop(outbox& out) override;

private:
  void from_page(const frame& message, outbox& out);
  void add_write(const frame& message, messages::page::kind kind, outbox& out);
  void serve(const frame& message, outbox& out);
  void from_inside(const frame& message, outbox& out);
  void greet(const messages::page::open& who, outbox& out);
  void add_query(messages::page::query query, outbox& out);
  void answer(const messages::page::ask& question, outbox& out);
  void cancel(std::uint64_t id);
  void check_id(std::uint64_t id) const;
  void check_may_write() const;
  void refuse_message(const frame& message, const messages::failure& problem);
  void give_back(std::size_t bytes);
  void go_on(outbox& out);
  void end(std::string_view code, std::string_view text);

  const page_setup setup_;
  const std::shared_ptr<page_signals> signals_;
  const std::string token_;
  page_channel channel_;
  page_watchdog watchdog_;
  page_reads reads_;
  page_writes writes_;
  page_watches watches_;
  std::optional<page_answers> answers_;
  bridge::page_right right_ = bridge::page_right::none;
  bool is_open_ = false;
  std::int64_t open_deadline_us_ = 0;
  std::size_t bytes_to_grant_ = 0;
  bool gathers_writes_ = false; ///< more messages wait, which may be writes to do with these
};

} // namespace tandem::actors
