#include "demos/node/validation/task_file.hpp"

#include <array>
#include <cstdio>
#include <random>

#include <sqlite3.h>

#include "messages/failure.hpp"

namespace tandem::node {

namespace {

constexpr std::array words{"call",  "write", "check", "move",  "order", "paint",  "read",   "repair",
                           "green", "small", "first", "paper", "train", "letter", "garden", "window"};

std::string sentence(std::mt19937_64& random, int length) {
  std::string result;
  for (int i = 0; i < length; ++i) {
    result += (i == 0 ? "" : " ") + std::string{words.at(random() % words.size())};
  }
  return result;
}

void bind(sqlite3_stmt* prepared, int place, const std::string& text) {
  sqlite3_bind_text(prepared, place, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

} // namespace

std::vector<task> make_tasks(int count) {
  std::mt19937_64 random{7};
  std::vector<task> result;
  for (int i = 0; i < count; ++i) {
    std::array<char, 17> id{};
    std::snprintf(id.data(), id.size(), "%016llx", static_cast<unsigned long long>(random()));
    result.push_back({id.data(), sentence(random, 4), sentence(random, 8)});
  }
  return result;
}

task_file::task_file(const std::filesystem::path& file) : app_{file} {
  if (app_.number("SELECT count(*) FROM sqlite_schema WHERE name = 'tasks'") == 0) {
    app_.execute(create_tasks_sql);
  }
  upsert_ = app_.prepare("INSERT INTO tasks(id, title, done, priority, note) VALUES (?1, ?2, 0, 1, ?3) "
                         "ON CONFLICT(id) DO UPDATE SET title = excluded.title, done = excluded.done, "
                         "priority = excluded.priority, note = excluded.note");
  prioritize_ = app_.prepare("UPDATE tasks SET priority = ?2 WHERE id = ?1");
}

void task_file::run(sqlite3_stmt* prepared) {
  if (!app_file::run(prepared)) {
    throw messages::failure{messages::failure_code::busy, "a write of the app was not taken"};
  }
}

void task_file::upsert(const std::vector<task>& rows) {
  app_.execute("BEGIN IMMEDIATE");
  for (const auto& row : rows) {
    bind(upsert_.get(), 1, row.id);
    bind(upsert_.get(), 2, row.title);
    bind(upsert_.get(), 3, row.note);
    run(upsert_.get());
  }
  app_.execute("COMMIT");
}

void task_file::prioritize(const task& row, std::int64_t priority) {
  bind(prioritize_.get(), 1, row.id);
  sqlite3_bind_int64(prioritize_.get(), 2, priority);
  run(prioritize_.get());
}

void task_file::prioritize(const std::vector<task>& rows, std::int64_t priority) {
  app_.execute("BEGIN IMMEDIATE");
  for (const auto& row : rows) {
    prioritize(row, priority);
  }
  app_.execute("COMMIT");
}

} // namespace tandem::node
