#include <csignal>
#include <string>

#include "demos/node/demo/chapters.hpp"
#include "demos/node/text.hpp"
#include "messages/failure.hpp"

namespace tandem::node {

namespace {

constexpr int writes_each = 300;

/// Transactions of two rows each that belong together: an invoice and its line.
std::string sales(int first_id, int count) {
  std::string sql;
  for (int sale = first_id; sale < first_id + count; ++sale) {
    const auto id = std::to_string(sale);
    sql += "BEGIN; INSERT INTO Invoice(InvoiceId, CustomerId, InvoiceDate, Total) VALUES (" + id +
           ", 1, '2026-01-01', 0.99); " + "INSERT INTO InvoiceLine VALUES (" + id + ", " + id +
           ", 1, 0.99, 1); COMMIT;\n";
  }
  return sql;
}

std::string sold_between(int first_id) {
  return "SELECT count(*) FROM Invoice JOIN InvoiceLine USING (InvoiceId) WHERE InvoiceId >= " +
         std::to_string(first_id) + " AND InvoiceId < " + std::to_string(first_id + writes_each);
}

void restart(device& who, const std::vector<std::string>& arguments) {
  if (!who.serve(arguments)) {
    throw messages::failure{messages::failure_code::defect,
                            who.name() + ": the node did not get ready again; it said:\n" + who.node().last_words()};
  }
}

} // namespace

void tell_crash(demo_world& world) {
  auto& told = world.told;
  constexpr int laptop_ids = 20'000;
  constexpr int phone_ids = 30'000;
  told.chapter("The hub gone, a node killed in the middle of writes");
  told.command("kill -9 " + std::to_string(world.hub.node().id()) + "   # the hub");
  told.fact(world.hub.node().end(SIGKILL) == 128 + SIGKILL, "the hub is gone");

  told.tell("laptop and phone sell on: " + counted(writes_each, "sale") +
            " each, an invoice and its line in one transaction");
  auto laptop_sales = world.laptop.begin_edit(sales(laptop_ids, writes_each));
  auto phone_sales = world.phone.begin_edit(sales(phone_ids, writes_each));
  const bool is_half_way =
      wait_until([&] { return std::stoi(world.phone.read(sold_between(phone_ids)).value_or("0")) >= writes_each / 3; });
  told.fact(is_half_way && world.phone.node().end(SIGKILL) == 128 + SIGKILL,
            "kill -9: the phone's node dies after " + world.phone.read(sold_between(phone_ids)).value_or("no") +
                " of its sales");
  told.fact(laptop_sales.wait() == 0 && phone_sales.wait() == 0, "the apps never noticed: all sales are committed");

  const auto address = world.url.substr(world.url.find("//") + 2);
  restart(world.hub, {"--listen", address.substr(0, address.find('/'))});
  restart(world.phone, {"--peer", world.url});
  const stopwatch since;
  const auto all = std::to_string(writes_each);
  const bool has_all = wait_until([&] {
    for (auto* device : {&world.hub, &world.laptop, &world.phone}) {
      if (device->read(sold_between(laptop_ids)) != all || device->read(sold_between(phone_ids)) != all) {
        return false;
      }
    }
    return true;
  });
  told.fact(has_all,
            "all are back: each of the three has all " + std::to_string(2 * writes_each) + " sales, none by halves",
            as_duration(since.ms()));
}

} // namespace tandem::node
