// One validation against another: against an earlier one, or of two settings side by side.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "monitor/figures.hpp"

namespace tandem::monitor {

/// How one figure has changed from one report to another.
struct change {
  std::string name;
  std::string transport;
  double before = 0;
  double after = 0;
  double times_worse = 1; ///< above 1: worse; below: better
  double low = 1;         ///< the interval that `times_worse` lies in
  double high = 1;
  double tolerance = 0; ///< by how much two runs of one program may differ beyond that, 0.1 being 10 %
  bool is_sure = false; ///< the whole interval lies beyond the tolerance
  [[nodiscard]] bool is_worse() const { return is_sure && times_worse > 1; }
};

/// Figures that both reports have samples of, with 99 % confidence, in the order of the later one. Times and rates are
/// compared beyond what the machine's own pace accounts for, if both reports tell it. `noise`: how much two runs of the
/// same program may differ beyond what their rounds tell; less is granted to shares of 100 %, more to late samples and
/// to what was measured in few rounds.
std::vector<change> compare(const validation_report& before, const validation_report& after, double noise);
/// The same of two reports whose rounds were made in turns: for choosing between two settings.
std::vector<change> compare_beside(const validation_report& one, const validation_report& other, double noise);

/// A report held against its baseline.
struct baseline_result {
  std::int64_t time_ms = 0; ///< when the baseline was made
  double noise = 0;
  std::vector<change> changes;
  std::vector<std::string> doubts;    ///< why what differs may not be the program's doing, as sentences
  [[nodiscard]] bool is_fine() const; ///< nothing is worse
};

/// Why less can be told from a report that was measured while the machine's pace differed much from round to round, as
/// a sentence about `when`, such as "while the baseline was measured"; empty: it hardly did, or the report does not
/// tell.
std::string why_restless(const validation_report& report, const std::string& when);
/// Why a run that does `effort` with a copy of `database` can't be compared with the baseline; empty: it can.
std::string why_incomparable(const validation_report& baseline, double effort, const std::string& database);
baseline_result hold_against(const validation_report& baseline, const validation_report& now, double noise);
/// One sentence, such as "no regression beyond 10 %".
std::string summary(const baseline_result& result);
/// "1.31 times worse (1.2 to 1.4)", "no difference (0.97 to 1.04)".
std::string in_words(const change& each);

nlohmann::json to_json(const change& each);
nlohmann::json to_json(const baseline_result& result);

} // namespace tandem::monitor
