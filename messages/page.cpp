#include "messages/page.hpp"

namespace tandem::messages::page {
namespace {

/// Writes the fields of a message; in place of each list of values, the next of those that are encoded already.
class splicing_writer : public field_writer {
public:
  splicing_writer(encoder& out, const encoded_values* first, const encoded_values* second)
      : field_writer{out}, spliced_{out}, lists_{first, second} {}

  using field_writer::operator();
  void operator()(const std::vector<value>&, std::size_t) {
    const auto& next = *lists_[used_++];
    spliced_.array(next.count);
    spliced_.items(next.bytes.bytes());
  }

private:
  encoder& spliced_;
  const encoded_values* lists_[2];
  std::size_t used_ = 0;
};

template <class Message>
shared_bytes spliced(const Message& head, const encoded_values* first, const encoded_values* second) {
  encoder out;
  out.array(2 + field_count(head));
  out.unsigned_integer(static_cast<std::uint64_t>(Message::tag));
  out.unsigned_integer(Message::version);
  splicing_writer writer{out, first, second};
  Message::fields(writer, head);
  return std::make_shared<const std::string>(out.take());
}

} // namespace

bool is_of_page(std::string_view bytes) {
  const auto tag = tag_of(bytes);
  return tag >= static_cast<std::uint64_t>(kind::open) && tag < static_cast<std::uint64_t>(kind::opened);
}

shared_bytes encode_rows(const rows& head, const encoded_values& values) {
  return spliced(head, &values, nullptr);
}

shared_bytes encode_live(const live& head, const encoded_values& inserted, const encoded_values& changed) {
  return spliced(head, &inserted, &changed);
}

} // namespace tandem::messages::page
