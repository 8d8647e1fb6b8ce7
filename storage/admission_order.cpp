// The decision about rows that were called together (admission_circles.cpp): in one order everywhere, so that what is
// visible follows from the merged state alone. Part of `admission`.
#include <algorithm>
#include <utility>

#include <sqlite3.h>

#include "storage/admission.hpp"

namespace tandem::storage {

/// Lets in whoever comes first and hits nobody.
void admission::let_in(claimants& all, std::size_t from) {
  for (auto i = from; i < all.size(); ++i)
    all[i].is_in = !all[i].is_rejected && all[i].table->insert(all[i].key, views_of(all[i].values)) == 0;
}

bool admission::lacks_parent(const claimant& each) {
  std::uint32_t waits = 0;
  return each.is_in && !missing_parent(*each.table, each.key, each.values, waits).empty();
}

// The first that has no parent in the end gives way, and those behind it are asked again.
void admission::choose(claimants& all) {
  let_in(all, 0);
  for (;;) {
    const auto first = std::ranges::find_if(all, [this](const claimant& each) { return lacks_parent(each); });
    if (first == all.end())
      return;
    first->is_rejected = true;
    for (auto each = first; each != all.end(); ++each)
      if (each->is_in)
        each->table->remove(each->key);
    let_in(all, static_cast<std::size_t>(first - all.begin()));
  }
}

// Who gave way may fit after all, once others have given way too: alone, or with its parents among those who did.
void admission::ask_again(claimants& all) {
  std::set<const claimant*> refused; // since somebody came in last
  for (;;) {
    std::vector<claimant*> back;
    for (auto& each : all)
      if (!each.is_in && !refused.contains(&each) && each.table->insert(each.key, views_of(each.values)) == 0) {
        each.is_in = true;
        back.push_back(&each);
      }
    if (back.empty())
      return;
    std::size_t gone = 0;
    for (bool any = true; std::exchange(any, false);)
      for (auto* each : back)
        if (lacks_parent(*each)) {
          each->table->remove(each->key);
          each->is_in = false;
          refused.insert(each);
          any = true;
          ++gone;
        }
    if (gone < back.size())
      refused.clear();
  }
}

void admission::decide_circles() {
  const auto aside = rows_aside(circles_);
  if (aside.empty())
    return;
  auto all = call_together(aside);
  reject_orphans(all);
  choose(all);
  ask_again(all);
  for (const auto& each : all)
    carry_out(each);
  // What was decided is not to be taken up again within this transaction.
  written_.clear();
  vacated_.clear();
  stirred_.clear();
  changed_quarantine_.clear();
}

/// Notes that a row came in, or went, or why it still waits.
void admission::carry_out(const claimant& decided) {
  if (decided.is_in) {
    if (!decided.was_visible)
      welcome(*decided.table, decided.key);
    return;
  }
  std::uint32_t waits = 0;
  const auto reason = why_not_in(decided, waits);
  if (decided.was_visible)
    note_set_aside(*decided.table, decided.key, decided.values, reason, waits);
  else
    explain(*decided.table, decided.key, decided.values, reason, waits);
}

std::string admission::why_not_in(const claimant& decided, std::uint32_t& waits) {
  auto& table = *decided.table;
  if (auto reason = missing_parent(table, decided.key, decided.values, waits); !reason.empty())
    return reason;
  waits = table.info.id;
  if (const auto rival = rival_in_place(table, decided.key, decided.values))
    return "UNIQUE: row " + key_to_json(*rival) + " holds the same values and came first";
  return constraint_name(table.insert(decided.key, views_of(decided.values)));
}

} // namespace tandem::storage
