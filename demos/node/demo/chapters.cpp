#include "demos/node/demo/chapters.hpp"

#include <algorithm>
#include <csignal>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "demos/node/demo/scene.hpp"
#include "demos/node/text.hpp"

namespace tandem::node {

namespace {

constexpr const char* row_count_sql = "SELECT (SELECT count(*) FROM Album) + (SELECT count(*) FROM Artist) + (SELECT "
                                      "count(*) FROM Customer) + (SELECT count(*) FROM "
                                      "Employee) + (SELECT count(*) FROM Genre) + (SELECT count(*) FROM Invoice) + "
                                      "(SELECT count(*) FROM InvoiceLine) + (SELECT count(*) "
                                      "FROM MediaType) + (SELECT count(*) FROM Playlist) + (SELECT count(*) FROM "
                                      "PlaylistTrack) + (SELECT count(*) FROM Track)";

/// How long after it could be read where it was written could it be read elsewhere? Nothing: never.
std::optional<double> travel_ms(device& from, device& to, const std::string& write, const std::string& read,
                                const std::string& expected) {
  auto writer = from.begin_edit(write);
  std::optional<stopwatch> since_commit;
  const bool has_arrived = wait_until([&] {
    if (!since_commit && shows(from, read, expected)) {
      since_commit.emplace();
    }
    return since_commit && shows(to, read, expected);
  });
  const auto taken = since_commit ? since_commit->ms() : 0.0;
  return writer.wait() == 0 && has_arrived ? std::optional{taken} : std::nullopt;
}

} // namespace

void tell_first_copy(demo_world& world, const std::filesystem::path& original) {
  auto& told = world.told;
  told.chapter("A first copy of the whole database");
  std::filesystem::copy_file(original, world.hub.file());
  const auto total = world.hub.read(row_count_sql).value_or("0");
  told.command("tandem track hub.sqlite --all");
  const stopwatch tracking;
  if (!world.hub.run("track", {"--all"})) {
    give_up(world.hub, "its tables can't be tracked");
  }
  const auto tracked = world.hub.look().status().tables.size();
  told.fact(tracked == 11,
            "Chinook's 11 tables with " + with_commas(std::stoull(total)) + " rows are tracked on the hub",
            as_duration(tracking.ms()));
  told.command("tandem serve hub.sqlite --listen 127.0.0.1:0");
  world.url = start(world.hub, {"--listen", "127.0.0.1:0"});
  told.tell("ready " + world.url);
  for (auto* device : {&world.laptop, &world.phone}) {
    told.command("tandem serve " + device->file_name() + " --peer " + world.url);
  }
  const stopwatch copying;
  start(world.laptop, {"--peer", world.url});
  start(world.phone, {"--peer", world.url});
  std::set<std::string> seen;
  for (auto* device : {&world.laptop, &world.phone}) {
    const bool is_there = wait_until([&] {
      if (auto rows = world.phone.read(row_count_sql)) {
        seen.insert(*rows);
      }
      return shows(*device, row_count_sql, total);
    });
    told.fact(is_there,
              "the " + device->name() + " started with no file and has all " + with_commas(std::stoull(total)) +
                  " rows",
              as_duration(copying.ms()));
  }
  const bool nothing_or_all =
      std::all_of(seen.begin(), seen.end(), [&](const std::string& rows) { return rows == "0" || rows == total; });
  told.fact(nothing_or_all, "whoever read the phone's file meanwhile saw no row or all of them");
  told.fact_in_time([&] { return are_level(world); }, "all three have the same digest");
}

void tell_live_edit(demo_world& world) {
  auto& told = world.told;
  told.chapter(has_stock_sqlite() ? "An edit by stock sqlite3 on one device arrives at the other"
                                  : "An edit on one device arrives at the other");
  const std::string write = "UPDATE Track SET Name = 'For Those About To Sync' WHERE TrackId = 1";
  const std::string read = "SELECT Name FROM Track WHERE TrackId = 1";
  told.command("sqlite3 laptop.sqlite \"" + write + "\"");
  const auto first = travel_ms(world.laptop, world.phone, write, read, "For Those About To Sync");
  told.fact(first.has_value(), "readable on the phone after its commit on the laptop, by way of the hub",
            as_duration(first.value_or(0)));

  constexpr int more = 20;
  std::vector<double> times;
  for (int edit = 0; edit < more; ++edit) {
    const auto title = "Edit " + std::to_string(edit);
    if (const auto taken =
            travel_ms(world.phone, world.laptop, "UPDATE Album SET Title = '" + title + "' WHERE AlbumId = 1",
                      "SELECT Title FROM Album WHERE AlbumId = 1", title)) {
      times.push_back(*taken);
    }
  }
  std::sort(times.begin(), times.end());
  const auto measured =
      times.empty() ? std::string{}
                    : "median " + as_duration(times[times.size() / 2]) + ", longest " + as_duration(times.back());
  told.fact(times.size() == more, "and " + std::to_string(more) + " more the other way, one after the other", measured);
}

void tell_two_fields(demo_world& world) {
  auto& told = world.told;
  told.chapter("Two fields of one row, edited on both sides at once");
  told.command("sqlite3 laptop.sqlite \"UPDATE Customer SET City = 'Lisbon' WHERE CustomerId = 5\"");
  told.command("sqlite3 phone.sqlite  \"UPDATE Customer SET Phone = '+351 21 000' WHERE CustomerId = 5\"");
  auto left = world.laptop.begin_edit("UPDATE Customer SET City = 'Lisbon' WHERE CustomerId = 5");
  auto right = world.phone.begin_edit("UPDATE Customer SET Phone = '+351 21 000' WHERE CustomerId = 5");
  told.fact(left.wait() == 0 && right.wait() == 0, "both are committed");
  const std::string read = "SELECT City || ', ' || Phone FROM Customer WHERE CustomerId = 5";
  for (auto* device : {&world.laptop, &world.phone, &world.hub}) {
    told.fact_in_time([&] { return shows(*device, read, "Lisbon, +351 21 000"); },
                      "the " + device->name() + " has both");
  }
  told.fact(!find_conflict(world.hub, "Customer", storage::conflict_kind::cell),
            "and nobody was told of a conflict: there was none");
}

void tell_same_field(demo_world& world) {
  auto& told = world.told;
  told.chapter("The same field on both sides while apart");
  go_offline(world, world.phone);
  told.command("sqlite3 laptop.sqlite \"UPDATE Artist SET Name = 'AC/DC (laptop)' WHERE ArtistId = 1\"");
  told.command("sqlite3 phone.sqlite  \"UPDATE Artist SET Name = 'AC/DC (phone)' WHERE ArtistId = 1\"");
  const bool both = world.laptop.edit("UPDATE Artist SET Name = 'AC/DC (laptop)' WHERE ArtistId = 1") &&
                    world.phone.edit("UPDATE Artist SET Name = 'AC/DC (phone)' WHERE ArtistId = 1");
  told.fact(both, "both are committed, the phone's with no node running");
  const std::string read = "SELECT Name FROM Artist WHERE ArtistId = 1";
  told.fact_in_time([&] { return shows(world.hub, read, "AC/DC (laptop)"); }, "the hub has the laptop's");
  start(world.phone, {"--peer", world.url});
  told.fact_in_time(
      [&] {
        return are_level(world) && find_conflict(world.laptop, "Artist", storage::conflict_kind::cell) &&
               find_conflict(world.phone, "Artist", storage::conflict_kind::cell);
      },
      "the phone is back: all agree on one value, and the conflict is in everyone's audit trail");
  const auto conflict = find_conflict(world.laptop, "Artist", storage::conflict_kind::cell);
  if (!conflict) {
    return;
  }
  const auto standing = world.laptop.read(read).value_or("");
  const std::string lost = standing == "AC/DC (phone)" ? "AC/DC (laptop)" : "AC/DC (phone)";
  told.tell("stands: " + conflict->current_json + "   lost: " + conflict->other_json +
            "   settled by: " + conflict->rule);
  told.fact(conflict->other_json.find(lost) != std::string::npos, "the losing value is kept there");
  const auto id = conflict->id.substr(0, 10);
  told.command("tandem conflicts laptop.sqlite resolve " + id + " --take other");
  told.fact(world.laptop.run("conflicts", {"resolve", conflict->id, "--take", "other"}),
            "a person on the laptop chooses the other one");
  told.fact_in_time([&] { return shows(world.phone, read, lost) && shows(world.hub, read, lost); },
                    "it stands again on the phone and the hub");
  told.fact_in_time([&] { return world.phone.look().find_conflict(conflict->id).state == "resolved"; },
                    "and the phone knows that the conflict is resolved");
}

void tell_quarantine(demo_world& world) {
  auto& told = world.told;
  told.chapter("A foreign key crossing: no row lost, no sync stopped");
  told.fact(world.hub.edit("INSERT INTO Artist VALUES (9001, 'The Orphans')"), "the hub adds an artist without albums");
  told.fact_in_time([&] { return are_level(world); }, "everyone has it");
  go_offline(world, world.phone);
  told.command("sqlite3 laptop.sqlite \"DELETE FROM Artist WHERE ArtistId = 9001\"");
  told.command("sqlite3 phone.sqlite  \"INSERT INTO Album VALUES (9001, 'Nobody''s Child', 9001)\"");
  const bool both = world.laptop.edit("DELETE FROM Artist WHERE ArtistId = 9001") &&
                    world.phone.edit("INSERT INTO Album VALUES (9001, 'Nobody''s Child', 9001)");
  told.fact(both, "each is right by itself; together they break the foreign key");
  start(world.phone, {"--peer", world.url});
  const auto is_set_aside = [](device& where) {
    const auto rows = where.look().quarantine();
    return std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.table == "Album"; });
  };
  told.fact_in_time([&] { return is_set_aside(world.hub) && is_set_aside(world.phone) && is_set_aside(world.laptop); },
                    "all three set the album aside, with all its values");
  const auto set_aside = world.hub.look().quarantine();
  if (!set_aside.empty()) {
    told.tell(set_aside.front().table + " " + set_aside.front().values_json);
    told.tell("because " + set_aside.front().reason);
  }
  const auto since = travel_ms(world.phone, world.laptop, "UPDATE Genre SET Name = 'Rock''n''Roll' WHERE GenreId = 1",
                               "SELECT Name FROM Genre WHERE GenreId = 1", "Rock'n'Roll");
  told.fact(since.has_value(), "sync goes on meanwhile: another edit arrives", as_duration(since.value_or(0)));
  told.command("sqlite3 laptop.sqlite \"INSERT INTO Artist VALUES (9001, 'The Orphans, together again')\"");
  told.fact(world.laptop.edit("INSERT INTO Artist VALUES (9001, 'The Orphans, together again')"),
            "the artist comes back");
  told.fact_in_time(
      [&] {
        return shows(world.hub, "SELECT Title FROM Album WHERE AlbumId = 9001", "Nobody's Child") &&
               shows(world.phone, "SELECT Title FROM Album WHERE AlbumId = 9001", "Nobody's Child") &&
               shows(world.laptop, "SELECT Title FROM Album WHERE AlbumId = 9001", "Nobody's Child");
      },
      "and so does the album, by itself, everywhere");
}

void tell_end(demo_world& world) {
  auto& told = world.told;
  told.chapter("Level");
  told.fact_in_time([&] { return are_level(world); }, "the digests of all tracked rows are equal");
  for (auto* device : {&world.hub, &world.laptop, &world.phone}) {
    told.command("tandem digest " + device->file_name());
    told.tell(device->digest());
  }
  for (auto* device : {&world.hub, &world.laptop, &world.phone}) {
    auto replica = device->look();
    const auto findings = replica.verify();
    told.fact(findings.empty(), "tandem verify " + device->file_name() +
                                    (findings.empty() ? ": all is as it must be" : ": " + findings.front()));
  }
  told.fact(world.phone.read("SELECT count(*) FROM pragma_foreign_key_check") == "0",
            "no foreign key is broken on the phone");
}

void tell_stop(demo_world& world) {
  const stopwatch stopping;
  bool all = true;
  for (auto* device : {&world.phone, &world.laptop, &world.hub}) {
    all = device->node().end(SIGTERM) == 0 && all;
  }
  world.told.fact(all, "asked to end, all three stop cleanly", as_duration(stopping.ms()));
}

} // namespace tandem::node
