// Writes the corpus that fuzzing starts from: one file for each message, and real row blocks.
// Usage: fuzz_seeds FOLDER
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "fuzz_replicas.hpp"
#include "messages/catalogue.hpp"

namespace {

using namespace tandem;

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
}

std::string first_block(fuzz::fuzz_replica& from, const messages::site_id& to, std::uint64_t start) {
  auto reading = from.core.extract(to, start);
  return reading ? reading->next_block(limits::block_bytes_target).value_or("") : "";
}

void write_frames(const std::filesystem::path& folder, fuzz::fuzz_replica& replica, const std::string& block) {
  messages::hello hello;
  hello.site = replica.core.self().site;
  hello.epoch = replica.core.self().epoch;
  hello.name = "phone";
  hello.program = "0.1.0";
  hello.tables = replica.core.schema();
  write_file(folder / "hello", *messages::encode(hello));
  write_file(folder / "resume", *messages::encode(messages::resume{}));
  write_file(folder / "refuse", *messages::encode(messages::refuse{messages::failure_code::clock, "set your clock"}));
  write_file(folder / "ack", *messages::encode(messages::ack{70'000}));
  write_file(folder / "demand", *messages::encode(messages::demand{4'194'304, 64}));
  write_file(folder / "goodbye", *messages::encode(messages::goodbye{"stopping"}));
  messages::bundle_part part;
  part.number = 1;
  part.is_last = true;
  part.block = block;
  write_file(folder / "bundle_part", *messages::encode(part));
  part.index = 300;
  write_file(folder / "bundle_part_later", *messages::encode(part));
  write_file(folder / "row_block", block);
}

} // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::fputs("usage: fuzz_seeds FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder{words[1]};
  std::filesystem::create_directories(folder / "frame");
  std::filesystem::create_directories(folder / "merge");
  fuzz::fuzz_replica sender{"seeds"};
  fuzz::fuzz_replica receiver{"seeds"};
  const auto peer = receiver.core.self().site;
  const auto whole = first_block(sender, peer, 0);
  write_file(folder / "merge" / "whole", whole);
  write_frames(folder / "frame", sender, whole);
  int number = 0;
  for (const auto* sql :
       {"UPDATE task SET title = 'read', weight = 2 WHERE id = 'a'", "DELETE FROM tag WHERE task = 'b'",
        "INSERT INTO list VALUES (3, 'shop'); INSERT INTO task VALUES ('c', 3, 'buy', 9e300, zeroblob(300))",
        "UPDATE list SET name = 'office' WHERE id = 2; DELETE FROM task WHERE id = 'a'"}) {
    const auto head = sender.core.head();
    sender.execute(sql);
    sender.core.stamp_pending();
    write_file(folder / "merge" / ("change" + std::to_string(++number)), first_block(sender, peer, head));
  }
  return 0;
}
