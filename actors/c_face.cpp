#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <tandem/page.hpp>
#include <tandem/runtime.hpp>
#include <tandem/tandem.h>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/runtime_json.hpp"

struct tandem_runtime {
  explicit tandem_runtime(tandem::options options) : sync{std::move(options)} {}
  tandem::runtime sync;
};

struct tandem_page {
  tandem_page(tandem::runtime& sync, tandem_page_evaluate evaluate, tandem_page_reply reply_of_host,
              void* context_of_host)
      : reply{reply_of_host}, context{context_of_host}, served{sync,
                                                               [evaluate, context_of_host](const std::string& script) {
                                                                 evaluate(context_of_host, script.c_str());
                                                               }} {}
  const tandem_page_reply reply;
  void* const context;
  tandem::page served;
};

namespace {

constexpr int failed = -1;
constexpr int timed_out = 1;

char* copied(const std::string& text) {
  auto* result = static_cast<char*>(std::malloc(text.size() + 1));
  if (result)
    std::memcpy(result, text.c_str(), text.size() + 1);
  return result;
}

std::string text_or_empty(const char* text) {
  return text ? text : "";
}

/// Runs `work`; no exception reaches a language that has none.
template <class Work>
int guarded(char** error, const Work& work) {
  try {
    return work();
  } catch (const std::exception& problem) {
    if (error)
      *error = copied(problem.what());
  } catch (...) {
    if (error)
      *error = copied("Tandem failed for an unknown reason; please report it");
  }
  return failed;
}

tandem::options options_of(const tandem_options& all) {
  tandem_options given{};
  std::memcpy(&given, &all, std::min(all.size, sizeof given));
  if (!given.path)
    throw tandem::error{"usage", "the options name no database; set `path` and `size`"};
  tandem::options result;
  result.path = given.path;
  result.create = given.create != 0;
  result.listen = text_or_empty(given.listen);
  for (size_t i = 0; i < given.peer_count; ++i)
    result.peers.push_back(text_or_empty(given.peers[i]));
  result.token = text_or_empty(given.token);
  result.name = text_or_empty(given.name);
  result.durable = given.not_durable == 0;
  result.user = text_or_empty(given.user);
  // In C what is left out is 0.
  const auto kept = [](int64_t asked) {
    return asked == 0 ? int64_t{-1} : std::max<int64_t>(asked, 0);
  };
  result.audit_keep_days = kept(given.audit_keep_days);
  result.audit_keep_count = kept(given.audit_keep_count);
  return result;
}

} // namespace

int tandem_open(const tandem_options* options, tandem_runtime** result, char** error) {
  return guarded(error, [&] {
    *result = nullptr;
    *result = std::make_unique<tandem_runtime>(options_of(*options)).release();
    return 0;
  });
}

void tandem_close(tandem_runtime* sync) {
  const std::unique_ptr<tandem_runtime> gone{sync};
}

int tandem_start(tandem_runtime* sync, char** error) {
  return guarded(error, [&] {
    sync->sync.start();
    return 0;
  });
}

void tandem_stop(tandem_runtime* sync) {
  guarded(nullptr, [&] {
    sync->sync.stop();
    return 0;
  });
}

int tandem_track(tandem_runtime* sync, const char* const* tables, size_t table_count, char** error) {
  return guarded(error, [&] {
    sync->sync.track({tables, tables + table_count});
    return 0;
  });
}

int tandem_prioritize(tandem_runtime* sync, const char* table, const char* priority, char** error) {
  return guarded(error, [&] {
    sync->sync.prioritize(table, priority);
    return 0;
  });
}

void tandem_hint(tandem_runtime* sync) {
  guarded(nullptr, [&] {
    sync->sync.hint();
    return 0;
  });
}

int tandem_attach(tandem_runtime* sync, struct sqlite3* connection, char** error) {
  return guarded(error, [&] {
    sync->sync.attach(connection);
    return 0;
  });
}

int tandem_detach(tandem_runtime* sync, struct sqlite3* connection, char** error) {
  return guarded(error, [&] {
    sync->sync.detach(connection);
    return 0;
  });
}

int tandem_pause(tandem_runtime* sync, char** error) {
  return guarded(error, [&] {
    sync->sync.pause();
    return 0;
  });
}

int tandem_resume(tandem_runtime* sync, char** error) {
  return guarded(error, [&] {
    sync->sync.resume();
    return 0;
  });
}

void tandem_on_change(tandem_runtime* sync, tandem_callback callback, void* context) {
  sync->sync.on_change([callback, context](const tandem::change& change) {
    callback(context, tandem::actors::text_of(tandem::actors::as_json(change)).c_str());
  });
}

void tandem_on_state(tandem_runtime* sync, tandem_callback callback, void* context) {
  sync->sync.on_state([callback, context](const tandem::state& state) {
    callback(context, tandem::actors::text_of(tandem::actors::as_json(state)).c_str());
  });
}

void tandem_on_alert(tandem_runtime* sync, tandem_callback callback, void* context) {
  sync->sync.on_alert([callback, context](const tandem::alert& alert) {
    callback(context, tandem::actors::text_of(tandem::actors::as_json(alert)).c_str());
  });
}

void tandem_on_conflict(tandem_runtime* sync, tandem_decision callback, void* context) {
  sync->sync.on_conflict([callback, context](const tandem::question& question) {
    const std::unique_ptr<char, decltype(&std::free)> answer{
        callback(context, tandem::actors::text_of(tandem::actors::as_json(question)).c_str()), &std::free};
    return text_or_empty(answer.get());
  });
}

char* tandem_url(tandem_runtime* sync) {
  return copied(sync->sync.url());
}

int tandem_status_json(tandem_runtime* sync, char** json, char** error) {
  return guarded(error, [&] {
    *json = copied(sync->sync.status_json());
    return 0;
  });
}

int tandem_monitor_json(tandem_runtime* sync, char** json, char** error) {
  return guarded(error, [&] {
    *json = copied(sync->sync.monitor_json());
    return 0;
  });
}

int tandem_metrics_text(tandem_runtime* sync, char** text, char** error) {
  return guarded(error, [&] {
    *text = copied(sync->sync.metrics_text());
    return 0;
  });
}

int tandem_conflicts_json(tandem_runtime* sync, int open_only, char** json, char** error) {
  return guarded(error, [&] {
    *json = copied(sync->sync.conflicts_json(open_only != 0));
    return 0;
  });
}

int tandem_resolve(tandem_runtime* sync, const char* conflict_id, int take, const char* value_json, char** error) {
  return guarded(error, [&] {
    const auto way = take & ~TANDEM_FORCE;
    if (way < TANDEM_TAKE_CURRENT || way > TANDEM_REINSERT)
      throw tandem::error{"usage", "there is no such way to settle a conflict; see the TANDEM_TAKE_ constants"};
    sync->sync.resolve(text_or_empty(conflict_id), static_cast<tandem::choice>(way), text_or_empty(value_json),
                       (take & TANDEM_FORCE) != 0);
    return 0;
  });
}

int tandem_wait_until_level(tandem_runtime* sync, int64_t ms, char** error) {
  return guarded(error, [&] { return sync->sync.wait_until_level(ms) ? 0 : timed_out; });
}

int tandem_page_open(tandem_runtime* sync, tandem_page_evaluate evaluate, tandem_page_reply reply, void* context,
                     tandem_page** result, char** error) {
  return guarded(error, [&] {
    *result = nullptr;
    *result = std::make_unique<tandem_page>(sync->sync, evaluate, reply, context).release();
    return 0;
  });
}

void tandem_page_take(tandem_page* page, const char* message, void* request) {
  guarded(nullptr, [&] {
    page->served.take(text_or_empty(message),
                      [reply = page->reply, context = page->context, request](const std::string& text, bool is_error) {
                        reply(context, request, text.c_str(), is_error ? 1 : 0);
                      });
    return 0;
  });
}

void tandem_page_reset(tandem_page* page) {
  guarded(nullptr, [&] {
    page->served.reset();
    return 0;
  });
}

void tandem_page_close(tandem_page* page) {
  const std::unique_ptr<tandem_page> gone{page};
}

void tandem_free(char* text) {
  std::free(text);
}

const char* tandem_version(void) {
  return TANDEM_VERSION;
}
