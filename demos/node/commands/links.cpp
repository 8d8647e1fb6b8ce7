#include "demos/node/commands/links.hpp"

#include <filesystem>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "bridge/address.hpp"
#include "demos/node/arguments.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::node {

namespace {

void check_url(const std::string& url) {
  try {
    bridge::parse_url(url);
  } catch (const messages::failure& trouble) {
    throw wrong_usage{trouble.what()};
  }
}

} // namespace

void add_token_option(CLI::App& command, link_arguments& arguments) {
  command.add_option("--token-file", arguments.token_file,
                     "A file whose first line is the secret that all nodes share");
}

actors::node_options options_of(const link_arguments& arguments) {
  actors::node_options options;
  options.path = arguments.database;
  options.user = arguments.user;
  if (arguments.audit_keep_days >= 0) {
    options.audit_keep_ms = arguments.audit_keep_days * limits::day_ms;
  }
  if (arguments.audit_keep_count >= 0) {
    options.audit_keep_count = static_cast<std::uint64_t>(arguments.audit_keep_count);
  }
  options.name = arguments.name.empty() ? std::filesystem::path{arguments.database}.stem().string() : arguments.name;
  for (const auto& url : arguments.peers) {
    check_url(url);
  }
  options.peers = arguments.peers;
  options.measures = arguments.is_measured;
  options.batch_window_ms = arguments.batch_window_ms;
  if (arguments.retain_days > 0) {
    constexpr double day_ms = 86'400'000;
    options.retention_ms = static_cast<std::int64_t>(arguments.retain_days * day_ms);
  }
  if (!arguments.token_file.empty()) {
    options.token = read_token(arguments.token_file);
  }
  options.pages.origins = arguments.origins;
  options.pages.www = arguments.www;
  if (!arguments.page_token_file.empty()) {
    options.pages.token = read_token(arguments.page_token_file);
  }
  if (!arguments.read_only_token_file.empty()) {
    options.pages.read_only_token = read_token(arguments.read_only_token_file);
  }
  if (!arguments.listen.empty()) {
    auto [host, port] = parse_listen_address(arguments.listen);
    options.listen = bridge::listen_options{std::move(host), port, options.token};
  }
  return options;
}

void set_up_log(bool is_quiet) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tandem"));
  spdlog::set_pattern("%H:%M:%S.%e %^%l%$ %v");
  spdlog::set_level(is_quiet ? spdlog::level::off : spdlog::level::warn);
}

std::shared_ptr<actors::log_tail> set_up_kept_log() {
  set_up_log(false);
  const auto tail = std::make_shared<actors::log_tail>();
  const auto log = spdlog::default_logger();
  log->sinks().front()->set_level(spdlog::level::warn);
  log->sinks().push_back(tail);
  log->set_level(spdlog::level::debug);
  return tail;
}

} // namespace tandem::node
