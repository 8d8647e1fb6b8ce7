// Conflicts that are not left to the clock, and changes that are not taken.
#include <algorithm>

#include "demos/node/demo/chapters.hpp"
#include "demos/node/demo/scene.hpp"

namespace tandem::node {

namespace {

void set_policies(demo_world& world, const std::vector<std::string>& policies) {
  std::vector<std::string> arguments;
  std::string shown;
  for (const auto& policy : policies) {
    arguments.insert(arguments.end(), {"--policy", policy});
    shown += " --policy " + policy;
  }
  world.told.command("tandem track hub.sqlite" + shown);
  if (!world.hub.run("track", arguments)) {
    give_up(world.hub, "the policy was not taken");
  }
  const auto count = world.hub.look().status().policies.size();
  world.told.fact_in_time(
      [&] {
        return world.laptop.look().status().policies.size() == count &&
               world.phone.look().status().policies.size() == count;
      },
      "policies are rows that sync: said once, at the hub, they hold everywhere");
}

/// Both devices write while the phone is away, and meet again.
void write_apart(demo_world& world, const std::string& laptop_sql, const std::string& phone_sql) {
  auto& told = world.told;
  go_offline(world, world.phone);
  told.command("sqlite3 laptop.sqlite \"" + laptop_sql + "\"");
  told.command("sqlite3 phone.sqlite  \"" + phone_sql + "\"");
  const bool both = world.laptop.edit(laptop_sql) && world.phone.edit(phone_sql);
  told.fact(both, "both are committed");
  start(world.phone, {"--peer", world.url});
}

std::string state_at(device& where, const std::string& id) {
  return where.look().find_conflict(id).state;
}

} // namespace

void tell_choice(demo_world& world) {
  auto& told = world.told;
  told.chapter("A conflict that a person settles, and undoes");
  set_policies(world, {"Customer.Company=ask"});
  write_apart(world, "UPDATE Customer SET Company = 'Laptop Ltd' WHERE CustomerId = 6",
              "UPDATE Customer SET Company = 'Phone Inc' WHERE CustomerId = 6");
  const auto is_open = [](device& where) {
    const auto found = find_conflict(where, "Customer", storage::conflict_kind::cell);
    return found && found->state == "open";
  };
  told.fact_in_time(
      [&] { return are_level(world) && is_open(world.hub) && is_open(world.laptop) && is_open(world.phone); },
      "sync did not wait: one value stands for now, and the conflict is open in every inbox");
  const auto conflict = find_conflict(world.phone, "Customer", storage::conflict_kind::cell);
  if (!conflict) {
    return;
  }
  const std::string read = "SELECT Company FROM Customer WHERE CustomerId = 6";
  const auto before = world.phone.read(read).value_or("");
  const std::string other = before == "Phone Inc" ? "Laptop Ltd" : "Phone Inc";
  told.tell("stands: " + conflict->current_json + "   other: " + conflict->other_json);
  const auto id = conflict->id.substr(0, 10);
  told.command("tandem conflicts phone.sqlite resolve " + id + " --take other");
  told.fact(world.phone.run("conflicts", {"resolve", conflict->id, "--take", "other"}),
            "a person on the phone takes the other one");
  told.fact_in_time(
      [&] { return shown_everywhere(world, read, other) && state_at(world.laptop, conflict->id) == "resolved"; },
      "it stands everywhere, and the laptop's inbox knows that it is settled");
  told.command("tandem conflicts laptop.sqlite undo " + id);
  told.fact(world.laptop.run("conflicts", {"undo", conflict->id}), "a person on the laptop undoes that");
  told.fact_in_time(
      [&] { return shown_everywhere(world, read, before) && state_at(world.phone, conflict->id) == "undone"; },
      "what stood before stands again, everywhere");
}

void tell_counter(demo_world& world) {
  auto& told = world.told;
  told.chapter("Increments add up");
  const std::string read = "SELECT Quantity FROM InvoiceLine WHERE InvoiceLineId = 1";
  const auto before = world.hub.read(read).value_or("0");
  set_policies(world, {"InvoiceLine.Quantity=counter"});
  write_apart(world, "UPDATE InvoiceLine SET Quantity = Quantity + 2 WHERE InvoiceLineId = 1",
              "UPDATE InvoiceLine SET Quantity = Quantity + 3 WHERE InvoiceLineId = 1");
  const auto sum = std::to_string(std::stoll(before) + 2 + 3);
  told.fact_in_time([&] { return are_level(world) && shown_everywhere(world, read, sum); },
                    before + " + 2 + 3 = " + sum + " everywhere: each increment counts once");
}

void tell_text(demo_world& world) {
  auto& told = world.told;
  told.chapter("Two people write in one text");
  set_policies(world, {"Genre.Name=text"});
  const std::string read = "SELECT Name FROM Genre WHERE GenreId = 1";
  const auto before = world.hub.read(read).value_or("");
  write_apart(world, "UPDATE Genre SET Name = 'Hard ' || Name WHERE GenreId = 1",
              "UPDATE Genre SET Name = Name || ' and more' WHERE GenreId = 1");
  told.fact_in_time([&] { return are_level(world) && shown_everywhere(world, read, "Hard " + before + " and more"); },
                    "Hard " + before + " and more: what each of them wrote is in it, everywhere");
  if (const auto found = find_conflict(world.laptop, "Genre", storage::conflict_kind::cell)) {
    told.fact(found->rule == "text" && found->base_json.find(before) != std::string::npos,
              "the audit trail keeps both texts, and the one that they were made from");
  }
}

void tell_refusal(demo_world& world) {
  auto& told = world.told;
  told.chapter("A change that the hub refuses is rolled back at its author, with the reason");
  const std::string check = "new.UnitPrice <= 5";
  const std::string message = "tracks over 5 need the office";
  told.command("tandem rules hub.sqlite add dear --table Track --check \"" + check + "\" --message \"" + message +
               "\"");
  told.fact(world.hub.run("rules", {"add", "dear", "--table", "Track", "--check", check, "--message", message}),
            "the hub has a rule");
  const std::string read = "SELECT UnitPrice FROM Track WHERE TrackId = 3";
  const auto before = world.laptop.read(read).value_or("");
  told.command("sqlite3 laptop.sqlite \"UPDATE Track SET UnitPrice = 99 WHERE TrackId = 3\"");
  told.fact(world.laptop.edit("UPDATE Track SET UnitPrice = 99 WHERE TrackId = 3") &&
                world.laptop.edit("UPDATE Track SET Name = 'Fast As A Shark (live)' WHERE TrackId = 4"),
            "the laptop breaks it, and goes on with another edit");
  const auto refusal = [&] {
    return find_conflict(world.laptop, "Track", storage::conflict_kind::refused);
  };
  told.fact_in_time([&] { return refusal() && shown_everywhere(world, read, before); },
                    "the laptop's row is what the hub has: " + before);
  if (const auto found = refusal()) {
    told.tell("refused: " + found->rule);
    told.fact(found->rule.find(message) != std::string::npos && found->other_json.find("99") != std::string::npos,
              "its user can read why, and the refused values are kept");
  }
  told.fact_in_time(
      [&] { return shows(world.phone, "SELECT Name FROM Track WHERE TrackId = 4", "Fast As A Shark (live)"); },
      "the other edit was not held up");
}

} // namespace tandem::node
