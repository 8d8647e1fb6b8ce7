// A notes app with two devices in one process: each has its own database and its own runtime, and writes plain SQL.
// Usage: notes FOLDER [URL]     with a URL the devices sync through that node, else the desktop is the hub
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <tandem/runtime.hpp>

#include <sqlite3.h>

namespace {

constexpr int patience_ms = 60'000;

/// The app's own database code: it knows nothing of Tandem.
class notebook {
public:
  explicit notebook(const std::string& path) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open(path.c_str(), &opened);
    connection_.reset(opened);
    if (code != SQLITE_OK) {
      throw std::runtime_error{path + " can't be opened"};
    }
    sqlite3_busy_timeout(opened, patience_ms);
  }
  void run(const std::string& sql) {
    if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      throw std::runtime_error{sqlite3_errmsg(connection_.get())};
    }
  }
  std::string read(const std::string& sql) {
    std::string result;
    const auto take = [](void* into, int, char** values, char**) {
      *static_cast<std::string*>(into) = values[0] == nullptr ? "" : values[0];
      return 0;
    };
    sqlite3_exec(connection_.get(), sql.c_str(), take, &result, nullptr);
    return result;
  }
  sqlite3* handle() { return connection_.get(); }

private:
  struct closer {
    void operator()(sqlite3* connection) const { sqlite3_close(connection); }
  };
  std::unique_ptr<sqlite3, closer> connection_;
};

void expect(bool holds, const std::string& what) {
  if (!holds) {
    throw std::runtime_error{"not so: " + what};
  }
  std::cout << "  " << what << "\n";
}

int run(const std::string& folder, const std::string& url) {
  notebook desktop{folder + "/desktop.db"};
  desktop.run("CREATE TABLE IF NOT EXISTS notes(id TEXT PRIMARY KEY, text TEXT, done INTEGER DEFAULT 0);"
              "INSERT OR IGNORE INTO notes(id, text) VALUES ('1', 'buy milk')");

  tandem::options desktop_options;
  desktop_options.path = folder + "/desktop.db";
  desktop_options.name = "desktop";
  if (url.empty()) {
    desktop_options.listen = "127.0.0.1:0";
  } else {
    desktop_options.peers = {url};
  }
  tandem::runtime desktop_sync{desktop_options};
  desktop_sync.track({"notes"});
  desktop_sync.start();

  tandem::options phone_options;
  phone_options.path = folder + "/phone.db";
  phone_options.name = "phone";
  phone_options.create = true;
  phone_options.peers = {url.empty() ? desktop_sync.url() : url};
  tandem::runtime phone_sync{phone_options};
  phone_sync.on_change([](const tandem::change& change) {
    if (change.is_remote) {
      std::cout << "  (the phone would redraw: " << change.rows << " rows came in)\n";
    }
  });
  phone_sync.start();
  expect(phone_sync.wait_until_level(patience_ms), "the phone is level with its peer");

  notebook phone{folder + "/phone.db"};
  expect(phone.read("SELECT text FROM notes WHERE id = '1'") == "buy milk", "the phone has the desktop's note");

  phone_sync.attach(phone.handle());
  phone.run("UPDATE notes SET done = 1 WHERE id = '1'");
  expect(phone_sync.wait_until_level(patience_ms), "the phone's edit has gone out");
  phone_sync.detach(phone.handle());
  if (url.empty()) {
    expect(desktop.read("SELECT done FROM notes WHERE id = '1'") == "1", "the desktop sees the phone's edit");
  }
  phone_sync.stop();
  desktop_sync.stop();
  return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: notes FOLDER [URL]\n";
    return 2;
  }
  try {
    return run(argv[1], argc > 2 ? argv[2] : "");
  } catch (const std::exception& trouble) {
    std::cerr << "notes: " << trouble.what() << "\n";
    return EXIT_FAILURE;
  }
}
