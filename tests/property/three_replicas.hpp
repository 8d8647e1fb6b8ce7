// A chain A - B - C with a table of tasks, so that B in the middle has to relay.
#pragma once

#include "tests/property/two_replicas.hpp"

namespace tandem::property {

inline const std::vector<std::string> tasks_sql{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)"};
inline const std::vector<std::string> tasks{"tasks"};

struct three_replicas {
  world all{3, {{0, 1}, {1, 2}}, tasks_sql, tasks};

  void run(std::size_t at, const std::string& sql) { all.at(at).app().execute(sql); }
  std::string shown_at(std::size_t at, const std::string& sql) { return shown_rows(all.at(at).app(), sql); }
  void must_be_sound() {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto wrong = all.at(i).core().verify();
      BOOST_TEST(wrong.empty(), all.at(i).name() << ": " << (wrong.empty() ? "" : wrong.front()));
    }
  }
};

} // namespace tandem::property
