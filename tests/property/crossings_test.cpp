// Runs docs/crossings.md: every way in which two writes can cross, and what comes of it. Each line of its tables is a
// test of its own, with the name that its first column says. With TANDEM_CROSSINGS=FILE the page is written there as it
// should be, to be read and compared.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <regex>
#include <sstream>
#include <tuple>

#include <boost/test/unit_test.hpp>

#include "storage/conflict_store.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::storage::policy;

namespace {

/// One line of a table, with what its section says.
struct crossing {
  std::string name, sooner, later, stands, kept;
  std::vector<std::string> schema, tables, first;
  std::vector<policy> policies;
};

constexpr std::size_t sooner_device = 0, hub = 1, later_device = 2;
constexpr int orders = 4;
// A sanitized build is after what each merge does to memory, not after its answer: it plays half of them.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr int order_step = 3;
#else
constexpr int order_step = 1;
#endif
#else
constexpr int order_step = 1;
#endif

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(" `"));
  text.erase(text.find_last_not_of(" `") + 1);
  return text;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> result;
  std::stringstream parts{line.substr(1)};
  for (std::string part; std::getline(parts, part, '|');)
    result.push_back(trimmed(part));
  return result;
}

policy policy_of(const std::string& argument) {
  static const std::regex form{R"((\w+)(?:\.(\w+))?=(\w+)(?:,(\w+))?)"};
  std::smatch parts;
  if (!std::regex_match(argument, parts, form))
    throw std::runtime_error{"docs/crossings.md: no policy: " + argument};
  return {parts[1], parts[2], parts[3], parts[4]};
}

void take_statement(crossing& section, const std::string& line) {
  static const std::regex table{R"(CREATE TABLE (\w+).*)"};
  std::smatch parts;
  if (std::regex_match(line, parts, table))
    section.tables.push_back(parts[1]);
  (line.starts_with("CREATE") ? section.schema : section.first).push_back(line);
}

/// Reads the page; `each` gets its lines, and the crossing that a line tells of, if it does.
void read_page(const std::function<void(const std::string&, const crossing*)>& each) {
  std::ifstream page{TANDEM_CROSSINGS_PAGE};
  crossing section;
  bool is_sql = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## "))
      section = {};
    if (line.starts_with("```")) {
      is_sql = line == "```sql";
    } else if (is_sql) {
      take_statement(section, line);
    }
    static const std::regex option{R"(--policy (\S+))"};
    for (std::sregex_iterator found{line.begin(), line.end(), option}, end; found != end; ++found)
      if (!section.schema.empty())
        section.policies.push_back(policy_of((*found)[1]));
    if (!line.starts_with("| `")) {
      each(line, nullptr);
      continue;
    }
    const auto cells = cells_of(line);
    if (cells.size() != 5)
      throw std::runtime_error{"docs/crossings.md: a line has not five cells: " + line};
    auto found = section;
    found.name = cells[0];
    found.sooner = cells[1];
    found.later = cells[2];
    found.stands = cells[3];
    found.kept = cells[4];
    each(line, &found);
  }
}

void hand_over(world& all, std::size_t from, std::size_t to) {
  if (const auto message = all.bundle(from, to)) {
    all.deliver(to, *message);
    all.deliver(from, all.acknowledgement(to, from));
  }
}

/// Bundles that cross: both are made before either arrives.
void cross(world& all, std::size_t one, std::size_t other) {
  const auto there = all.bundle(one, other);
  const auto back = all.bundle(other, one);
  if (there)
    all.deliver(other, *there);
  if (back)
    all.deliver(one, *back);
}

void deliver_in_order(world& all, int order) {
  if (order == 1) {
    hand_over(all, sooner_device, hub);
    hand_over(all, hub, later_device);
  } else if (order == 2) {
    hand_over(all, later_device, hub);
    hand_over(all, hub, sooner_device);
  } else if (order == 3) {
    hand_over(all, later_device, hub);
    cross(all, sooner_device, hub);
    cross(all, hub, later_device);
  }
  all.heal();
  must_be_level(all);
}

std::string joined(const std::vector<std::string>& parts, const std::string& between) {
  std::string result;
  for (const auto& each : parts)
    result += (result.empty() ? "" : between) + each;
  return result.empty() ? "nothing" : result;
}

std::string rows_of(device& at, const std::vector<std::string>& tables) {
  std::vector<std::string> result;
  for (const auto& table : tables) {
    const auto rows = shown_rows(at.app(), "SELECT * FROM " + table + " ORDER BY 1, 2");
    if (!rows.empty())
      result.push_back(tables.size() > 1 ? table + " " + rows : rows);
  }
  return joined(result, ", ");
}

std::string kept_at(device& at) {
  std::vector<std::string> result;
  for (const auto& each : at.core().conflicts())
    if (each.kind != tandem::storage::conflict_kind::constraint)
      result.push_back(std::string{tandem::storage::name_of(each.kind)} +
                       (each.column.empty() ? "" : " " + each.column) + (each.state == "open" ? ", open: " : ": ") +
                       each.other_json);
  for (const auto& each : at.core().quarantine())
    result.push_back("aside: " + each.table + " " + each.values_json);
  std::ranges::sort(result);
  return joined(result, "; ");
}

/// What stands and what is kept, at all replicas alike.
std::pair<std::string, std::string> outcome(const crossing& what, int order) {
  world all{3, {{sooner_device, hub}, {hub, later_device}}, what.schema, what.tables};
  for (std::size_t i = 0; i < all.size(); ++i)
    all.at(i).app().execute("PRAGMA foreign_keys = ON");
  if (!what.policies.empty())
    all.at(hub).core().track(what.tables, what.policies);
  for (const auto& statement : what.first)
    all.at(hub).app().execute(statement);
  all.heal();
  all.at(sooner_device).app().execute(what.sooner);
  all.at(sooner_device).core().stamp_pending();
  all.at(hub).move_clock(1'000);
  all.at(later_device).move_clock(1'000);
  all.at(later_device).app().execute(what.later);
  all.at(later_device).core().stamp_pending();
  deliver_in_order(all, order);
  const std::pair result{rows_of(all.at(hub), what.tables), kept_at(all.at(hub))};
  for (const auto leaf : {sooner_device, later_device}) {
    BOOST_TEST(rows_of(all.at(leaf), what.tables) == result.first);
    BOOST_TEST(kept_at(all.at(leaf)) == result.second);
  }
  return result;
}

void run(const crossing& what) {
  for (int order = 0; order < orders; order += order_step)
    BOOST_TEST_CONTEXT("order of delivery " << order << " of: " << what.sooner << " / " << what.later) {
      const auto [stands, kept] = outcome(what, order);
      BOOST_TEST(stands == what.stands);
      BOOST_TEST(kept == what.kept);
    }
}

/// Policies for all columns of all tables of a crossing.
std::vector<policy> policies_of(const crossing& what, const std::string& name) {
  std::vector<policy> result;
  for (const auto& table : what.tables) {
    if (name != "max" && name != "min") {
      result.push_back({table, "", name});
      continue;
    }
    app_database memory{":memory:"};
    for (const auto& statement : what.schema)
      memory.execute(statement);
    for (const auto& row : memory.query("SELECT name FROM pragma_table_info('" + table + "') WHERE pk = 0"))
      result.push_back({table, shown(row).substr(2, shown(row).size() - 4), name});
  }
  return result;
}

/// Whatever was written stands, or is kept.
void must_have_kept(const std::string& sql, const std::string& found) {
  static const std::regex literal{"'(sooner|later)'"};
  for (std::sregex_iterator each{sql.begin(), sql.end(), literal}, end; each != end; ++each)
    BOOST_TEST(found.find((*each)[1]) != std::string::npos);
}

/// Constraints are judged under every policy: all replicas agree, and nothing is lost.
void run_under_policies(const crossing& what) {
  int order = 0;
  for (const std::string name : {"ask", "keep_first", "max", "min", "row", "delete_wins"})
    BOOST_TEST_CONTEXT("policy " << name << ", order of delivery " << order << " of: " << what.sooner << " / "
                                 << what.later) {
      auto with = what;
      with.policies = policies_of(what, name);
      const auto [stands, kept] = outcome(with, order++ % orders);
      must_have_kept(what.sooner + what.later, stands + kept);
    }
}

void write_page(const char* path) {
  std::ofstream out{path};
  read_page([&](const std::string& line, const crossing* found) {
    if (!found) {
      out << line << "\n";
      return;
    }
    std::string stands, kept;
    try {
      std::tie(stands, kept) = outcome(*found, 0);
    } catch (const std::exception& problem) {
      stands = problem.what();
    }
    out << "| `" << found->name << "` | `" << found->sooner << "` | `" << found->later << "` | `" << stands << "` | "
        << (kept == "nothing" ? kept : "`" + kept + "`") << " |\n";
  });
}

const bool is_registered = [] {
  auto& all = boost::unit_test::framework::master_test_suite();
  std::size_t count = 0;
  read_page([&](const std::string&, const crossing* found) {
    if (!found)
      return;
    ++count;
    all.add(boost::unit_test::make_test_case([what = *found] { run(what); }, found->name, __FILE__, __LINE__));
    if (found->policies.empty())
      all.add(boost::unit_test::make_test_case([what = *found] { run_under_policies(what); },
                                               found->name + "_under_policies", __FILE__, __LINE__));
  });
  return count > 0;
}();

} // namespace

BOOST_AUTO_TEST_CASE(the_page_has_lines) {
  BOOST_TEST(is_registered);
  if (const auto path = std::getenv("TANDEM_CROSSINGS"))
    write_page(path);
}
