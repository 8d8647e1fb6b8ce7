#include "monitor/html_report.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "monitor/advice.hpp"
#include "monitor/statistics.hpp"

namespace tandem::monitor {
namespace {

constexpr const char* style = R"(
:root{color-scheme:light dark;--ink:#1d2733;--soft:#667788;--paper:#fff;--line:#dde3ea;--curve:#2f6fde;--good:#1c7f4b;--fair:#9a6a00;--bad:#c0322b}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--soft:#98a6b5;--paper:#14181d;--line:#2b333d;--curve:#6fa3ff;--good:#5cc98d;--fair:#e0b450;--bad:#ff8078}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line)}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.met{color:var(--good)}.below_goal{color:var(--fair)}.below_floor{color:var(--bad);font-weight:600}.soft{color:var(--soft)}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(18rem,1fr));gap:1rem}figure{margin:0;border:1px solid var(--line);border-radius:.5rem;padding:.7rem}
svg{width:100%;height:auto;display:block}text{fill:var(--soft);font-size:11px}polyline{fill:none;stroke:var(--curve);stroke-width:2}
.axis{stroke:var(--line)}.goal{stroke:var(--good);stroke-dasharray:4 3}.floor{stroke:var(--bad);stroke-dasharray:4 3}
)";

std::string shown(double value) {
  std::ostringstream text;
  if (std::abs(value) >= 100) {
    text << std::llround(value);
  } else {
    text.precision(3);
    text << value;
  }
  return text.str();
}

std::string class_of(verdict each) {
  switch (each) {
  case verdict::met:
    return "met";
  case verdict::below_goal:
    return "below_goal";
  case verdict::below_floor:
    return "below_floor";
  case verdict::no_target:
    break;
  }
  return "soft";
}

std::string bound(const std::optional<double>& value, direction better) {
  if (!value)
    return "";
  return (better == direction::smaller_is_better ? "≤ " : "≥ ") + shown(*value);
}

/// The share of samples that do not exceed a value, over the values: floor and goal as lines where they fit in.
std::string plot(const figure& each, const target& wanted) {
  constexpr double width = 300;
  constexpr double height = 120;
  constexpr double left = 8;
  constexpr double bottom = 100;
  std::vector<double> sorted = each.samples;
  std::ranges::sort(sorted);
  const auto last = quantile(sorted, 0.995);
  const auto from = std::min(0.0, sorted.front());
  const auto to = std::max(last, from + 1e-9) * 1.05;
  const auto x_of = [&](double value) {
    return left + (width - 2 * left) * (std::clamp(value, from, to) - from) / (to - from);
  };
  std::ostringstream svg;
  svg << "<svg viewBox=\"0 0 " << width << ' ' << height << "\" role=\"img\" aria-label=\"Samples of "
      << escaped_html(wanted.title) << "\"><line class=\"axis\" x1=\"" << left << "\" y1=\"" << bottom << "\" x2=\""
      << width - left << "\" y2=\"" << bottom << "\"/>";
  for (const auto& [value, kind] : {std::pair{wanted.goal, "goal"}, std::pair{wanted.floor, "floor"}})
    if (value && *value >= from && *value <= to)
      svg << "<line class=\"" << kind << "\" x1=\"" << x_of(*value) << "\" x2=\"" << x_of(*value) << "\" y1=\"8\" y2=\""
          << bottom << "\"/>";
  svg << "<polyline points=\"";
  const std::size_t stride = std::max<std::size_t>(1, sorted.size() / 200);
  const auto point = [&](std::size_t i) {
    svg << x_of(sorted[i]) << ',' << bottom - 90 * static_cast<double>(i + 1) / static_cast<double>(sorted.size())
        << ' ';
  };
  for (std::size_t i = 0; i + 1 < sorted.size(); i += stride)
    point(i);
  point(sorted.size() - 1); // whatever the stride: there all samples are below
  svg << "\"/><text x=\"" << left << "\" y=\"115\">" << shown(from) << "</text><text x=\"" << width - left
      << "\" y=\"115\" text-anchor=\"end\">" << shown(to) << ' ' << escaped_html(wanted.unit) << "</text></svg>";
  return svg.str();
}

/// "17.5 x better", "1.2 x worse", "just so"; empty where there is nothing to compare with.
std::string factor_of(const figure& each, const target& wanted, const std::optional<double>& bound) {
  const auto found = times_better(each.value, bound, wanted.better);
  if (!found)
    return "";
  if (*found == 1)
    return "just so";
  return *found > 1 ? shown(*found) + " x better" : shown(1 / *found) + " x worse";
}

void table_of_figures(std::ostream& page, const validation_report& report) {
  page << "<table class=\"targets\"><thead><tr><th>What</th><th>By</th><th>Reached</th><th>Floor</th><th>Against "
          "it</th><th>Goal</th><th>Against it</th><th></th></tr></thead><tbody>";
  for (const auto& wanted : targets())
    for (const auto& each : report.figures) {
      if (each.name != wanted.name)
        continue;
      const auto verdict = verdict_of(each);
      page << "<tr><td>" << escaped_html(wanted.title) << "</td><td class=\"soft\">" << escaped_html(each.transport)
           << "</td><td class=\"n\">" << shown(each.value) << ' ' << escaped_html(wanted.unit)
           << "</td><td class=\"n soft\">" << bound(wanted.floor, wanted.better) << "</td><td class=\"n\">"
           << factor_of(each, wanted, wanted.floor) << "</td><td class=\"n soft\">" << bound(wanted.goal, wanted.better)
           << "</td><td class=\"n\">" << factor_of(each, wanted, wanted.goal) << "</td><td class=\""
           << class_of(verdict) << "\">" << name_of(verdict) << "</td></tr>";
    }
  page << "</tbody></table>";
}

std::string title_of(const std::string& name, const std::string& transport) {
  const auto* wanted = target_named(name);
  return escaped_html((wanted ? std::string{wanted->title} : name) + (transport.empty() ? "" : " (" + transport + ")"));
}

std::string with_unit(const std::string& name, double value) {
  const auto* wanted = target_named(name);
  return shown(value) + (wanted ? " " + escaped_html(wanted->unit) : "");
}

void table_of_ways(std::ostream& page, const validation_report& report) {
  const auto ways = compare_ways(report);
  if (ways.empty())
    return;
  page << "<h2>A page's ways against HTTP</h2><table class=\"ways\"><thead><tr><th>What</th><th>By</th><th>Reached</th>"
          "<th>HTTP</th><th>Times as good</th></tr></thead><tbody>";
  for (const auto& each : ways)
    page << "<tr><td>" << title_of(each.name, "") << "</td><td class=\"soft\">" << escaped_html(each.transport)
         << "</td><td class=\"n\">" << with_unit(each.name, each.value) << "</td><td class=\"n soft\">"
         << with_unit(each.name, each.by_http) << "</td><td class=\"n\">" << shown(each.times_better) << "</td></tr>";
  page << "</tbody></table>";
}

void table_of_changes(std::ostream& page, const std::vector<change>& changes, const std::string& before,
                      const std::string& after) {
  page << "<table class=\"changes\"><thead><tr><th>What</th><th>" << escaped_html(before) << "</th><th>"
       << escaped_html(after) << "</th><th>With 99 % confidence</th></tr></thead><tbody>";
  for (const auto& each : changes)
    page << "<tr><td>" << title_of(each.name, each.transport) << "</td><td class=\"n soft\">"
         << with_unit(each.name, each.before) << "</td><td class=\"n\">" << with_unit(each.name, each.after)
         << "</td><td class=\""
         << (!each.is_sure     ? "soft"
             : each.is_worse() ? "below_floor"
                               : "met")
         << "\">" << escaped_html(in_words(each)) << "</td></tr>";
  page << "</tbody></table>";
}

void part_of_baseline(std::ostream& page, const baseline_result& against) {
  page << "<h2>Against the baseline</h2><p class=\"" << (against.is_fine() ? "met" : "below_floor") << "\">"
       << escaped_html(summary(against)) << ".</p>";
  for (const auto& each : against.doubts)
    page << "<p class=\"below_goal\">" << escaped_html(each) << ".</p>";
  table_of_changes(page, against.changes, "Baseline", "Now");
}

void part_of_plots(std::ostream& page, const validation_report& report, const std::string& heading) {
  page << "<h2>" << escaped_html(heading)
       << "</h2><p class=\"soft\">Each curve shows what share of the samples was at most so much; the dashed lines are "
          "goal (green) and floor (red).</p><div class=\"plots\">";
  for (const auto& each : report.figures)
    if (const auto* wanted = target_named(each.name); wanted && each.samples.size() > 1)
      page << "<figure><figcaption>" << title_of(each.name, each.transport) << "</figcaption>" << plot(each, *wanted)
           << "</figure>";
  page << "</div>";
}

void part_of_steps(std::ostream& page, const validation_report& report) {
  const auto steps = recommendations(report);
  if (!steps.empty())
    page << "<h2>What to do</h2><ul>";
  for (const auto& each : steps)
    page << "<li><b>" << escaped_html(each.evidence) << "</b>: " << escaped_html(each.cause) << "; "
         << escaped_html(each.step) << ".</li>";
  page << (steps.empty() ? "" : "</ul>");
}

void part_of_gaps(std::ostream& page, const validation_report& report) {
  const bool is_whole = report.omissions.empty() && report.absences.empty();
  page << (is_whole ? "" : "<h2>Not measured</h2><ul>");
  for (const auto* all : {&report.omissions, &report.absences})
    for (const auto& each : *all)
      page << "<li><b>" << escaped_html(each.what) << "</b>: " << escaped_html(each.why) << "</li>";
  page << (is_whole ? "" : "</ul>");
}

std::string page_with(const std::string& heading, const machine& of, double seconds, const std::string& content) {
  std::ostringstream page;
  page << "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'\"><title>Tandem: validation</title><style>"
       << style << "</style></head><body><h1>Tandem: " << escaped_html(heading) << "</h1><p class=\"soft\">"
       << escaped_html(of.processor) << ", " << of.cores << " cores, SQLite " << escaped_html(of.sqlite) << ", tandem "
       << escaped_html(of.program) << "; " << shown(seconds) << " s</p>" << content << "</body></html>\n";
  return page.str();
}

} // namespace

std::string escaped_html(std::string_view text) {
  std::string result;
  for (const auto letter : text)
    switch (letter) {
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '&':
      result += "&amp;";
      break;
    case '"':
      result += "&quot;";
      break;
    case '\'':
      result += "&#39;";
      break;
    default:
      result += letter;
    }
  return result;
}

std::string to_html(const validation_report& report, const baseline_result* against) {
  std::ostringstream page;
  table_of_figures(page, report);
  if (against)
    part_of_baseline(page, *against);
  table_of_ways(page, report);
  part_of_steps(page, report);
  part_of_gaps(page, report);
  part_of_plots(page, report, "Samples");
  return page_with(holds(report) ? "every floor is met" : "not all floors are met", report.machine, report.seconds,
                   page.str());
}

std::string to_html(const validation_report& one, const std::string& one_name, const validation_report& other,
                    const std::string& other_name, const std::vector<change>& changes) {
  std::ostringstream page;
  table_of_changes(page, changes, "A: " + one_name, "B: " + other_name);
  part_of_plots(page, one, "Samples of A: " + one_name);
  part_of_plots(page, other, "Samples of B: " + other_name);
  return page_with("two settings side by side", one.machine, one.seconds + other.seconds, page.str());
}

} // namespace tandem::monitor
