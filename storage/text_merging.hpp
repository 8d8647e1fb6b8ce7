// Two edits of one text become one: what only one side changed is taken from it. By line, and by word within lines that
// both changed. Pure: the result follows from the three texts alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem::storage {

struct text_merge {
  std::optional<std::string> text; ///< none: can't be merged
  std::string_view trouble;        ///< why not, for people
};

/// Merges two texts that were made of `base`, of which `earlier` has the smaller stamp: of two texts put in at one
/// place its comes first. What both have put in alike, at one place, is put in once.
text_merge merge_texts(std::string_view base, std::string_view earlier, std::string_view later);

} // namespace tandem::storage
