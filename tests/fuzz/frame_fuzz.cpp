// Bytes of a stranger, read as each message of the catalogue, as bare msgpack and as a row block.
// Whatever they are: a clear failure or a message, never a crash, and never more memory than the
// limits allow.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "messages/catalogue.hpp"
#include "messages/codec.hpp"
#include "messages/failure.hpp"
#include "messages/row_block.hpp"

namespace {

using namespace tandem::messages;

template <class Read>
void tolerate(Read&& read) {
  try {
    read();
  } catch (const failure&) {
    // What bad bytes are expected to bring about.
  }
}

template <class Message>
void decode_and_encode(std::string_view bytes) {
  tolerate([bytes] {
    const auto message = decode<Message>(bytes);
    // What was understood can be said again, and means the same.
    const auto again = encode(message);
    if (*encode(decode<Message>(*again)) != *again)
      __builtin_trap();
  });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (is_wire_message(bytes)) {
    decode_and_encode<hello>(bytes);
    decode_and_encode<resume>(bytes);
    decode_and_encode<compare>(bytes);
    decode_and_encode<compared>(bytes);
    decode_and_encode<mend>(bytes);
    decode_and_encode<refuse>(bytes);
    decode_and_encode<ack>(bytes);
    decode_and_encode<demand>(bytes);
    decode_and_encode<goodbye>(bytes);
    decode_and_encode<bundle_part>(bytes);
  }
  tolerate([bytes] {
    decoder in{bytes};
    while (!in.at_end())
      in.skip();
  });
  tolerate([bytes] {
    decoder in{bytes};
    while (!in.at_end())
      in.value();
  });
  tolerate([bytes] { read_row_block(bytes, [](const row_change&) {}); });
  return 0;
}
