#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "messages/limits.hpp"
#include "storage/text_comparing.hpp"
#include "storage/text_merging.hpp"

using namespace tandem::storage;

namespace {

/// The merged text; "cannot" where there is none.
std::string merged(std::string_view base, std::string_view earlier, std::string_view later) {
  const auto result = merge_texts(base, earlier, later);
  BOOST_TEST(result.text.has_value() == result.trouble.empty());
  return result.text.value_or("cannot");
}

std::vector<std::string> words_of(std::string_view text) {
  const auto starts = piece_starts(text, text_pieces::words);
  std::vector<std::string> result;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i)
    result.emplace_back(text.substr(starts[i], starts[i + 1] - starts[i]));
  return result;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string result;
  for (const auto& each : lines)
    result += each;
  return result;
}

std::size_t below(std::mt19937_64& random, std::size_t end) {
  return random() % end;
}

/// A text of few different lines, so that many of them are equal.
std::vector<std::string> some_lines(std::mt19937_64& random) {
  std::vector<std::string> result(below(random, 12));
  for (auto& each : result)
    each = std::string{"abc"[below(random, 3)]} + (below(random, 2) ? " x" : "") + (below(random, 4) ? "\n" : "\r\n");
  return result;
}

std::vector<std::string> edited(std::mt19937_64& random, std::vector<std::string> lines) {
  for (auto edits = below(random, 4); edits > 0; --edits) {
    const auto place = below(random, lines.size() + 1);
    const auto at = lines.begin() + static_cast<std::ptrdiff_t>(place);
    if (place == lines.size() || below(random, 3) == 0)
      lines.insert(at, below(random, 2) ? "new line\n" : "d y\n");
    else if (below(random, 2))
      lines.erase(at);
    else
      *at = "e " + *at;
  }
  return lines;
}

} // namespace

BOOST_AUTO_TEST_SUITE(text_merging)

BOOST_AUTO_TEST_CASE(edits_of_different_lines_both_stay) {
  BOOST_TEST(merged("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n") == "A\nb\nC\n");
  BOOST_TEST(merged("a\nb\nc\n", "A\nb\nc\n", "a\nB\nc\n") == "A\nB\nc\n"); // neighbours
  BOOST_TEST(merged("a\nb\nc\n", "b\nc\n", "a\nb\nC\n") == "b\nC\n");
  BOOST_TEST(merged("a\nb\nc\n", "a\nnew\nb\nc\n", "a\nb\n") == "a\nnew\nb\n");
  BOOST_TEST(merged("a\nb\n", "a\nnew\nb\n", "a\nB\n") == "a\nnew\nB\n");
}

BOOST_AUTO_TEST_CASE(edits_of_different_words_of_a_line_both_stay) {
  BOOST_TEST(merged("buy milk and bread", "buy soy milk and bread", "buy milk and rye bread") ==
             "buy soy milk and rye bread");
  BOOST_TEST(merged("the red car\nx\n", "the blue car\nx\n", "the red bike\nx\n") == "the blue bike\nx\n");
  BOOST_TEST(merged("one two three", "two three", "one two three four") == "two three four");
}

BOOST_AUTO_TEST_CASE(different_edits_of_one_word_are_left_alone) {
  BOOST_TEST(merged("price 10", "price 12", "price 10.5") == "cannot");
  BOOST_TEST(merged("a\nb\nc\n", "a\nc\n", "a\nB\nc\n") == "cannot");
  BOOST_TEST(merged("", "hello", "world") == "cannot");
  BOOST_TEST(merged("gone", "", "gone for ever") == "cannot");
  BOOST_TEST(merged("x\n", "one text\n", "another one\n") == "cannot");
}

BOOST_AUTO_TEST_CASE(what_both_did_is_done_once) {
  BOOST_TEST(merged("a\nb\n", "a\nB\n", "a\nB\n") == "a\nB\n");
  BOOST_TEST(merged("a\nb\n", "a\nx\nb\n", "a\nx\ny\nb\n") == "a\nx\ny\nb\n");
  BOOST_TEST(merged("a\nb\nc\nd\n", "A\nb\nC\nd\n", "A\nb\nc\nD\n") == "A\nb\nC\nD\n");
  BOOST_TEST(merged("a b", "a", "a") == "a");
}

BOOST_AUTO_TEST_CASE(the_earlier_of_two_texts_at_one_place_comes_first) {
  BOOST_TEST(merged("a\n", "a\n1\n", "a\n2\n") == "a\n1\n2\n");
  BOOST_TEST(merged("a\n", "a\n2\n", "a\n1\n") == "a\n2\n1\n");
  BOOST_TEST(merged("foo", "foo bar", "foo qux") == "foo bar qux");
  BOOST_TEST(merged("", "1\n", "2\n") == "1\n2\n");
}

BOOST_AUTO_TEST_CASE(a_last_line_without_ending_is_a_line) {
  BOOST_TEST(merged("a\n", "a\n1", "a\n2") == "a\n1\n2");
  BOOST_TEST(merged("a\r\n", "a\r\n1", "a\r\n2") == "a\r\n1\r\n2");
  BOOST_TEST(merged("a\nb", "a\nb\n1", "a\nb\n2") == "a\nb\n1\n2");
  BOOST_TEST(merged("a\nb", "A\nb", "a\nb\nc") == "A\nb\nc");
  BOOST_TEST(merged("a\n", "a\nc", "a\nc\nd") == "a\nc\nd");
}

BOOST_AUTO_TEST_CASE(line_endings_of_windows_stay_whole) {
  BOOST_TEST(merged("a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n") == "A\r\nb\r\nC\r\n");
  BOOST_TEST(merged("a b\r\n", "A b\r\n", "a B\r\n") == "A B\r\n");
  // One side turned all line endings round.
  BOOST_TEST(merged("a b\r\nc\r\n", "a b\nc\n", "a B\r\nc\r\n") == "a B\nc\n");
}

BOOST_AUTO_TEST_CASE(empty_texts_merge) {
  BOOST_TEST(merged("", "", "") == "");
  BOOST_TEST(merged("", "", "x") == "x");
  BOOST_TEST(merged("x", "", "x") == "");
  BOOST_TEST(merged("x", "", "") == "");
}

BOOST_AUTO_TEST_CASE(no_character_and_no_word_is_torn) {
  const auto of = [](auto... words) {
    return std::vector<std::string>{words...};
  };
  BOOST_TEST(words_of("Füße, naïve\tçà") == of("Füße,", " ", "naïve", "\t", "çà"), boost::test_tools::per_element());
  BOOST_TEST(words_of("a  b\r\n\n c") == of("a", "  ", "b", "\r\n", "\n", " ", "c"), boost::test_tools::per_element());
  BOOST_TEST(words_of("漢字 kana") == of("漢", "字", " ", "kana"), boost::test_tools::per_element());
  BOOST_TEST(words_of("안녕 하세요") == of("안녕", " ", "하세요"), boost::test_tools::per_element());
  BOOST_TEST(words_of("\xff\xc3\x28 \xe6\xbc") == of("\xff\xc3\x28", " ", "\xe6\xbc"),
             boost::test_tools::per_element());
  BOOST_TEST(merged("ü ä", "ö ä", "ü à") == "ö à");
  BOOST_TEST(merged("今日は雨です", "今日は雪です", "明日は雨です") == "明日は雪です");
  BOOST_TEST(merged("👩‍👩‍👧 x", "👩‍👩‍👧 y", "👩‍👩‍👦 x") == "👩‍👩‍👦 y");
}

// One side took a space out where the other one put a word in.
BOOST_AUTO_TEST_CASE(words_never_run_together) {
  BOOST_TEST(merged("a\nb\n", "a\nb", "a\nb\nc\n") != "a\nbc\n");
  BOOST_TEST(merged("a b", "ab", "a b c") == "ab c");
}

BOOST_AUTO_TEST_CASE(changes_are_as_small_as_can_be) {
  const std::vector<std::uint32_t> base{1, 2, 3, 1, 2, 2, 1}, side{3, 2, 1, 2, 1, 3};
  compare_budget budget{1'000};
  std::size_t edits = 0;
  std::vector<std::uint32_t> made;
  std::size_t done = 0;
  for (const auto& each : changes_between(base, side, budget)) {
    edits += each.base_end - each.base_begin + each.side_end - each.side_begin;
    made.insert(made.end(), base.begin() + static_cast<std::ptrdiff_t>(done),
                base.begin() + static_cast<std::ptrdiff_t>(each.base_begin));
    made.insert(made.end(), side.begin() + static_cast<std::ptrdiff_t>(each.side_begin),
                side.begin() + static_cast<std::ptrdiff_t>(each.side_end));
    done = each.base_end;
  }
  made.insert(made.end(), base.begin() + static_cast<std::ptrdiff_t>(done), base.end());
  BOOST_TEST(made == side, boost::test_tools::per_element());
  BOOST_TEST(edits == 5U); // the example of Myers' paper
}

BOOST_AUTO_TEST_CASE(without_budget_all_between_is_one_change) {
  const std::vector<std::uint32_t> base{9, 1, 2, 3, 9}, side{9, 4, 2, 5, 9};
  compare_budget budget{2};
  const auto changes = changes_between(base, side, budget);
  BOOST_REQUIRE(changes.size() == 1U);
  BOOST_TEST(changes[0].base_begin == 1U);
  BOOST_TEST(changes[0].base_end == 4U);
}

BOOST_AUTO_TEST_CASE(random_edits_merge_alike_whoever_comes_first) {
  std::mt19937_64 random{4711};
  int merges = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto lines = some_lines(random);
    const auto base = joined(lines);
    const auto one = joined(edited(random, lines));
    const auto other = joined(edited(random, lines));
    BOOST_TEST_CONTEXT("round " << round) {
      // Who changed nothing takes what the other one has; what both have stays.
      BOOST_REQUIRE(merged(base, one, base) == one);
      BOOST_REQUIRE(merged(base, base, other) == other);
      BOOST_REQUIRE(merged(base, one, one) == one);
      const auto first = merge_texts(base, one, other);
      const auto second = merge_texts(base, other, one);
      BOOST_REQUIRE(first.text.has_value() == second.text.has_value());
      if (!first.text)
        continue;
      ++merges;
      // They differ in the order of what was put in at one place, if at all.
      auto left = *first.text, right = *second.text;
      std::ranges::sort(left);
      std::ranges::sort(right);
      BOOST_REQUIRE(left == right);
    }
  }
  BOOST_TEST(merges > 5'000);
}

BOOST_AUTO_TEST_CASE(edits_of_different_lines_survive_in_long_texts) {
  std::mt19937_64 random{7};
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> lines(100);
    for (std::size_t i = 0; i < lines.size(); ++i)
      lines[i] = i % 7 ? "line " + std::to_string(i) + "\n" : "\n";
    auto one = lines, other = lines, both = lines;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto whose = below(random, 6);
      if (whose > 1 || lines[i] == "\n")
        continue;
      both[i] = "mine " + std::to_string(random()) + "\n";
      (whose == 0 ? one : other)[i] = both[i];
    }
    BOOST_REQUIRE(merged(joined(lines), joined(one), joined(other)) == joined(both));
  }
}

BOOST_AUTO_TEST_CASE(large_texts_merge_and_larger_ones_do_not) {
  std::string base;
  for (int i = 0; base.size() < 1'000'000; ++i)
    base += "this is line number " + std::to_string(i) + " of many\n";
  const auto earlier = "first\n" + base;
  const auto later = base + "last\n";
  BOOST_TEST((merged(base, earlier, later) == "first\n" + base + "last\n"));
  // Every word of one side is new: nothing to tell apart, in little time.
  std::string anew = base;
  for (auto& each : anew)
    each = each == ' ' || each == '\n' ? each : static_cast<char>(each + 1);
  BOOST_TEST((merged(base, anew, base) == anew));
  BOOST_TEST(merged(base, anew, later) != anew);
  const std::string huge(tandem::limits::merged_text_bytes_max + 1, 'x');
  BOOST_TEST(merge_texts("", huge, "").trouble == "too large");
  BOOST_TEST(!merge_texts("", huge, "").text);
}

BOOST_AUTO_TEST_SUITE_END()
