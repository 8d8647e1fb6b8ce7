// tandem_bench: one measurement a call, as JSON on stdout. tests/bench/run calls it and makes the table.
#include <cstdio>
#include <exception>
#include <iostream>
#include <span>

#include "commands.hpp"

namespace {

using namespace tandem::bench;

std::uint64_t number(const std::string& text) {
  return std::stoull(text);
}

json run(const std::string& command, std::span<const std::string> a) {
  if (command == "prepare" && a.size() == 3) {
    prepare(a[0], number(a[1]), a[2] == "tracked");
    return json::object();
  }
  if (command == "write" && a.size() == 4)
    return write(a[0], a[1], number(a[2]), number(a[3]));
  if (command == "paced" && a.size() == 4)
    return write_paced(a[0], number(a[1]), number(a[2]), static_cast<std::int64_t>(number(a[3])));
  if (command == "until" && a.size() == 3)
    return write_until(a[0], number(a[1]), number(a[2]));
  if (command == "watch" && a.size() == 2)
    return watch(a[0], number(a[1]));
  if (command == "core" && a.size() == 3)
    return core_rates(a[0], number(a[1]), static_cast<int>(number(a[2])));
  if (command == "sizes" && a.size() == 2)
    return sizes(a[0], number(a[1]));
  if (command == "upkeep" && a.size() == 3)
    return upkeep(a[0], number(a[1]), number(a[2]));
  if (command == "conflicts" && a.size() == 4)
    return conflicts(a[0], number(a[1]), number(a[2]), static_cast<int>(number(a[3])));
  if (command == "cost" && a.size() == 2)
    return cost_at(a[0], number(a[1]));
  throw std::invalid_argument{
      "usage: tandem_bench prepare DB ROWS plain|tracked | write DB insert|update|single COUNT FIRST "
      "| paced DB COUNT FIRST MS | until DB ROWS FIRST | watch DB ROWS | core FOLDER ROWS REPETITIONS "
      "| sizes FOLDER ROWS | upkeep FOLDER ENTRIES ROWS "
      "| conflicts FOLDER ROWS LISTED REPETITIONS | cost FOLDER ROWS"};
}

} // namespace

int main(int count, char** words) {
  try {
    const std::vector<std::string> arguments(words + 1, words + count);
    const auto rest = std::span{arguments}.subspan(arguments.empty() ? 0 : 1);
    std::cout << run(arguments.empty() ? "" : arguments.front(), rest).dump() << std::endl;
    return 0;
  } catch (const std::exception& trouble) {
    std::cerr << "tandem_bench: " << trouble.what() << '\n';
    return 1;
  }
}
