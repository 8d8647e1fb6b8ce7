// rules: which row changes of others this replica takes.
#include <iostream>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "demos/node/arguments.hpp"
#include "demos/node/command.hpp"
#include "demos/node/text.hpp"

namespace tandem::node {

namespace {

struct rules_arguments {
  std::string database;
  storage::rule rule;
  bool as_json = false;
};

int list_rules(const rules_arguments& arguments) {
  auto replica = open_for_reading(arguments.database);
  auto result = nlohmann::ordered_json::array();
  for (const auto& rule : replica.rules()) {
    result.push_back({{"name", rule.name},
                      {"table", rule.table},
                      {"site", rule.site},
                      {"check", rule.expression},
                      {"message", rule.message},
                      {"fault", rule.fault}});
    if (!arguments.as_json) {
      std::cout << rule.name << "  " << rule.table << (rule.site.empty() ? "" : " by " + rule.site) << ": "
                << rule.expression << "\n    " << rule.message << "\n"
                << (rule.fault.empty() ? "" : "    not in force: " + rule.fault + "\n");
    }
  }
  if (arguments.as_json) {
    std::cout << result.dump(2) << "\n";
  } else if (result.empty()) {
    std::cout << "No rules: every change is taken.\n";
  }
  return exit_done;
}

int add_rule(const rules_arguments& arguments) {
  storage::replica::open(arguments.database).put_rule(arguments.rule);
  std::cout << "Rule " << arguments.rule.name << " holds for what comes in from now on.\n";
  return exit_done;
}

int remove_rule(const rules_arguments& arguments) {
  storage::replica::open(arguments.database).remove_rule(arguments.rule.name);
  std::cout << "Removed rule " << arguments.rule.name << ".\n";
  return exit_done;
}

} // namespace

void add_rules(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<rules_arguments>();
  auto* command = program.add_subcommand("rules", "Which row changes of others this replica takes");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->require_subcommand(0, 1);
  command->add_flag("--json", arguments->as_json, "One JSON document");
  auto* list = command->add_subcommand("list", "Show the rules, also those that are not in force, and why");
  list->add_flag("--json", arguments->as_json, "One JSON document");
  auto* add = command->add_subcommand("add", "Add a rule, or replace the one of that name");
  add->add_option("NAME", arguments->rule.name, "The rule's name")->required();
  add->add_option("--table", arguments->rule.table, "The table whose changes it judges")->required();
  add->add_option("--check", arguments->rule.expression,
                  "SQL expression over new.COLUMN, old.COLUMN and site; false refuses the change")
      ->required();
  add->add_option("--message", arguments->rule.message, "What the author's user reads")->required();
  add->add_option("--site", arguments->rule.site, "Only changes of sites whose id begins so (hex digits)");
  auto* remove = command->add_subcommand("remove", "Remove a rule");
  remove->add_option("NAME", arguments->rule.name, "The rule's name")->required();
  command->footer(
      "A refused change is rolled back at its author, who finds it in `tandem conflicts` with the message.\n"
      "Example:\n  tandem rules hub.db add limit --table orders --check 'new.amount <= 100' --message "
      "'orders over 100 need the office'");
  command->callback([arguments, add, remove, &chosen] {
    const auto run = add->parsed() ? add_rule : remove->parsed() ? remove_rule : list_rules;
    chosen = [arguments, run] {
      return run(*arguments);
    };
  });
}

} // namespace tandem::node
