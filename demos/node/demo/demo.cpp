// demo: the main job. Three processes, one database, a story with facts that are checked.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

#include "demos/node/command.hpp"
#include "demos/node/demo/chapters.hpp"
#include "messages/failure.hpp"

namespace tandem::node {

namespace {

namespace fs = std::filesystem;

/// In the source tree of a build, or where `cmake --install` put it.
fs::path find_original() {
  const auto program_folder = fs::path{own_program()}.parent_path();
  for (const fs::path& candidate :
       {fs::path{TANDEM_DEMO_DATA} / "chinook.sqlite", program_folder / TANDEM_INSTALLED_DATA / "chinook.sqlite"}) {
    if (fs::exists(candidate)) {
      return candidate;
    }
  }
  throw messages::failure{messages::failure_code::not_found,
                          "the demo's database chinook.sqlite is not in " TANDEM_DEMO_DATA
                          ": run the demo from a build of the source tree"};
}

fs::path make_folder() {
  auto pattern = (fs::temp_directory_path() / "tandem-demo-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw messages::failure{messages::failure_code::storage, "no folder can be made in " +
                                                                 fs::temp_directory_path().string() +
                                                                 ": set TMPDIR to one that can be written"};
  }
  return pattern;
}

void print_what_to_try(demo_world& world, const fs::path& folder) {
  std::cout << "\nEverything still runs. What to try:\n"
            << "  cd " << folder.string() << "\n"
            << "  sqlite3 laptop.sqlite \"UPDATE Track SET Name = 'mine' WHERE TrackId = 2\"\n"
            << "  sqlite3 phone.sqlite \"SELECT Name FROM Track WHERE TrackId = 2\"\n"
            << "  " << own_program() << " status laptop.sqlite\n"
            << "  " << own_program() << " why laptop.sqlite Track 2\n"
            << "  " << own_program() << " audit phone.sqlite\n"
            << "  " << own_program() << " serve tablet.sqlite --peer " << world.url << "     a third device\n"
            << "To end it:\n  kill";
  for (auto* device : {&world.hub, &world.laptop, &world.phone}) {
    if (device->node().is_running()) {
      std::cout << " " << device->node().id();
      device->node().keep();
    }
  }
  std::cout << "; rm -r " << folder.string() << "\n";
}

void tell_all(demo_world& world, const fs::path& original) {
  tell_first_copy(world, original);
  tell_live_edit(world);
  tell_two_fields(world);
  tell_same_field(world);
  tell_quarantine(world);
  tell_choice(world);
  tell_counter(world);
  tell_text(world);
  tell_refusal(world);
  tell_crash(world);
  tell_end(world);
}

int demo(bool is_kept) {
  const auto original = find_original();
  const auto folder = make_folder();
  story told;
  device hub{"hub", folder, is_kept};
  device laptop{"laptop", folder, is_kept};
  device phone{"phone", folder, is_kept};
  demo_world world{told, hub, laptop, phone, {}};
  told.title("Tandem: a music shop's database on a hub, a laptop and a phone, each a process of its own");
  told.tell("in " + folder.string());
  try {
    tell_all(world, original);
    if (!is_kept) {
      tell_stop(world);
    }
  } catch (const messages::failure& trouble) {
    told.fact(false, trouble.what());
  }
  const int result = told.end();
  if (is_kept) {
    print_what_to_try(world, folder);
  } else if (result == exit_done) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  } else {
    std::cout << "Files and logs are left in " << folder.string() << "\n";
  }
  return result;
}

} // namespace

void add_demo(CLI::App& program, chosen_command& chosen) {
  auto is_kept = std::make_shared<bool>(false);
  auto* command = program.add_subcommand(
      "demo", "The whole story in seconds: a hub and two devices, offline edits, conflicts, crashes");
  command->add_flag("--keep", *is_kept, "Leave everything running and say what to try");
  command->footer("Exit 0 if every fact held, 1 if one did not.\nExample:\n  tandem demo --keep");
  command->callback([is_kept, &chosen] {
    chosen = [is_kept] {
      return demo(*is_kept);
    };
  });
}

} // namespace tandem::node
