// The smallest world: two replicas and a link.
#pragma once

#include <boost/test/unit_test.hpp>

#include "tests/property/harness.hpp"

namespace tandem::property {

inline std::string shown_rows(app_database& app, const std::string& sql) {
  std::string result;
  for (const auto& each : app.query(sql))
    result += shown(each);
  return result;
}

struct two_replicas {
  world all;

  /// `first` is written at A, and both have it.
  two_replicas(const std::vector<std::string>& sql, const std::vector<std::string>& tables,
               const std::string& first = {})
      : all{2, {{0, 1}}, sql, tables} {
    if (first.empty())
      return;
    a(first);
    level();
  }
  void a(const std::string& sql) { all.at(0).app().execute(sql); }
  void b(const std::string& sql) { all.at(1).app().execute(sql); }
  storage::replica& core_a() { return all.at(0).core(); }
  storage::replica& core_b() { return all.at(1).core(); }
  void level() {
    all.heal();
    must_be_level(all);
  }
  /// What both read.
  std::string text(const std::string& sql) {
    const auto left = shown_rows(all.at(0).app(), sql);
    BOOST_TEST(left == shown_rows(all.at(1).app(), sql));
    return left;
  }
  std::vector<storage::conflict> conflicts() { return core_a().conflicts(); }
  /// What A wrote so far is older than what B writes from now on.
  void b_is_later() {
    core_a().stamp_pending();
    all.at(1).move_clock(1'000);
  }
};

} // namespace tandem::property
