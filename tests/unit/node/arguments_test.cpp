#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "demos/node/arguments.hpp"
using namespace tandem::node;

namespace {

class temporary_file {
public:
  explicit temporary_file(const std::string& content) {
    std::string pattern = (std::filesystem::temp_directory_path() / "tandem-test-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    std::ofstream{path()} << content;
  }
  ~temporary_file() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string path() const { return (folder_ / "file").string(); }

private:
  std::filesystem::path folder_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(arguments)

BOOST_AUTO_TEST_CASE(alias_of_a_table_or_a_column) {
  const std::vector<std::string> good{"tasks.title=name", "jobs=tasks", "odd.name.old=new"};
  const auto aliases = parse_aliases(good);
  BOOST_REQUIRE(aliases.size() == 3);
  BOOST_TEST((aliases[0].table == "tasks" && aliases[0].former == "title" && aliases[0].column == "name"));
  BOOST_TEST((aliases[1].table == "tasks" && aliases[1].former == "jobs" && aliases[1].column.empty()));
  BOOST_TEST((aliases[2].table == "odd.name" && aliases[2].former == "old"));
  for (const auto* bad : {"", "=", "a=", "=b", "tasks.=b", ".old=new", "tasks"})
    BOOST_CHECK_THROW(parse_aliases(std::vector<std::string>{bad}), wrong_usage);
}

BOOST_AUTO_TEST_CASE(policy_of_a_table_or_a_column) {
  const std::vector<std::string> tables{"tasks", "odd.name", "odd"};
  auto policy = parse_policy("tasks=lww", tables);
  BOOST_TEST((policy.table == "tasks" && policy.column.empty() && policy.name == "lww"));
  policy = parse_policy("tasks.title=lww", tables);
  BOOST_TEST((policy.table == "tasks" && policy.column == "title"));
  policy = parse_policy("tasks=row,delete_wins", tables);
  BOOST_TEST((policy.table == "tasks" && policy.name == "row" && policy.options == "delete_wins"));
  policy = parse_policy("odd.name=lww", tables);
  BOOST_TEST((policy.table == "odd.name" && policy.column.empty()));
  policy = parse_policy("odd.name.x=lww", tables);
  BOOST_TEST((policy.table == "odd.name" && policy.column == "x"));
  for (const auto* wrong : {"tasks", "=lww", "tasks="}) {
    BOOST_CHECK_THROW(parse_policy(wrong, tables), wrong_usage);
  }
}

BOOST_AUTO_TEST_CASE(keys_are_json_or_plain_text) {
  BOOST_TEST(as_json_value("42") == "42");
  BOOST_TEST(as_json_value("-1.5") == "-1.5");
  BOOST_TEST(as_json_value("[1,\"a\"]") == "[1,\"a\"]");
  BOOST_TEST(as_json_value("\"42\"") == "\"42\"");
  BOOST_TEST(as_json_value("it's") == "\"it's\"");
  BOOST_TEST(as_json_value("{\"blob\":\"00ff\"}") == "{\"blob\":\"00ff\"}");
  BOOST_TEST(as_json_value("{}") == "\"{}\"");
  BOOST_TEST(as_json_value("true") == "\"true\"");
  BOOST_TEST(as_json_value("") == "\"\"");
}

BOOST_AUTO_TEST_CASE(listen_addresses) {
  BOOST_TEST((parse_listen_address("127.0.0.1:7420") == std::pair<std::string, std::uint16_t>{"127.0.0.1", 7420}));
  BOOST_TEST((parse_listen_address("[::1]:0") == std::pair<std::string, std::uint16_t>{"::1", 0}));
  BOOST_TEST((parse_listen_address("7420") == std::pair<std::string, std::uint16_t>{"127.0.0.1", 7420}));
  for (const auto* wrong : {"", "host:", "host:port", "host:70000", ":1", "h:1x"}) {
    BOOST_CHECK_THROW(parse_listen_address(wrong), wrong_usage);
  }
}

BOOST_AUTO_TEST_CASE(a_token_is_the_first_line_of_a_file) {
  const temporary_file good{"secret \r\nsecond line\n"};
  BOOST_TEST(read_token(good.path()) == "secret");
  const temporary_file empty{"\n"};
  BOOST_CHECK_THROW(read_token(empty.path()), wrong_usage);
  BOOST_CHECK_THROW(read_token("/nonexistent/token"), wrong_usage);
}

BOOST_AUTO_TEST_SUITE_END()
