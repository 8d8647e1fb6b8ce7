// The chapters of the demo. Each leaves the devices level, so that the next can count on it.
#pragma once

#include <filesystem>
#include <string>

#include "demos/node/demo/device.hpp"
#include "demos/node/demo/story.hpp"

namespace tandem::node {

struct demo_world {
  story& told;
  device& hub;
  device& laptop;
  device& phone;
  std::string url; ///< of the hub, once it serves
};

/// The hub serves the shop's database; laptop and phone start with nothing.
void tell_first_copy(demo_world& world, const std::filesystem::path& original);
/// An edit on one device arrives at the other.
void tell_live_edit(demo_world& world);
/// Two fields of one row, changed on both sides.
void tell_two_fields(demo_world& world);
/// The same field on both sides while apart; the losing value is brought back.
void tell_same_field(demo_world& world);
/// A foreign key crossing: the row is set aside, sync goes on, and the row comes back.
void tell_quarantine(demo_world& world);
/// A conflict that waits for a person: chosen on one device, seen on the other, and undone.
void tell_choice(demo_world& world);
/// Two increments of one number at once: both count.
void tell_counter(demo_world& world);
/// Two edits of one text at once become one text.
void tell_text(demo_world& world);
/// A change that a rule of the hub refuses, rolled back at its author.
void tell_refusal(demo_world& world);
/// The hub gone, a node killed in the middle of writes, all back.
void tell_crash(demo_world& world);
/// Digests and invariants of all three.
void tell_end(demo_world& world);
/// All three end when asked to.
void tell_stop(demo_world& world);

} // namespace tandem::node
