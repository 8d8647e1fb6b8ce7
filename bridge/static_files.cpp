#include "bridge/static_files.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "messages/page_limits.hpp"

namespace tandem::bridge {
namespace {

namespace fs = std::filesystem;

constexpr std::pair<std::string_view, std::string_view> types[] = {{".html", "text/html; charset=utf-8"},
                                                                   {".js", "text/javascript; charset=utf-8"},
                                                                   {".mjs", "text/javascript; charset=utf-8"},
                                                                   {".css", "text/css; charset=utf-8"},
                                                                   {".json", "application/json"},
                                                                   {".map", "application/json"},
                                                                   {".wasm", "application/wasm"},
                                                                   {".svg", "image/svg+xml"},
                                                                   {".png", "image/png"},
                                                                   {".jpg", "image/jpeg"},
                                                                   {".webp", "image/webp"},
                                                                   {".ico", "image/x-icon"},
                                                                   {".woff2", "font/woff2"},
                                                                   {".txt", "text/plain; charset=utf-8"},
                                                                   {".webmanifest", "application/manifest+json"}};

std::string_view type_of(const fs::path& file) {
  const auto extension = file.extension().string();
  for (const auto& [ending, type] : types) {
    if (ending == extension) {
      return type;
    }
  }
  return "application/octet-stream";
}

/// %41 is A. Nothing if it is malformed or hides a NUL.
std::optional<std::string> decoded(std::string_view target) {
  std::string result;
  for (std::size_t at = 0; at < target.size(); ++at) {
    if (target[at] != '%') {
      result += target[at];
      continue;
    }
    unsigned value = 0;
    const auto hex = target.substr(at + 1, 2);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (hex.size() != 2 || error != std::errc{} || end != hex.data() + hex.size() || value == 0) {
      return std::nullopt;
    }
    result += static_cast<char>(value);
    at += 2;
  }
  return result;
}

/// Each part is an ordinary name.
bool is_plain(const fs::path& path) {
  for (const auto& part : path) {
    const auto name = part.string();
    if (name.starts_with('.') || name.find('\\') != std::string::npos) {
      return false;
    }
  }
  return true;
}

bool is_within(const fs::path& file, const fs::path& folder) {
  auto inner = file.begin();
  for (const auto& part : folder) {
    if (inner == file.end() || *inner++ != part) {
      return false;
    }
  }
  return true;
}

} // namespace

static_file find_static_file(const std::string& folder, std::string_view target) {
  const auto name = decoded(target.substr(0, target.find_first_of("?#")));
  if (!name || !name->starts_with('/') || name->find('\0') != std::string::npos) {
    return {};
  }
  std::error_code error;
  const auto root = fs::canonical(folder, error);
  const auto asked = fs::path{*name}.relative_path();
  if (error || !is_plain(asked)) {
    return {};
  }
  auto file = fs::canonical(root / asked, error); // Follows links, and then looks where they led.
  if (!error && fs::is_directory(file, error)) {
    file = fs::canonical(file / "index.html", error);
  }
  if (error || !is_within(file, root) || !fs::is_regular_file(file, error)) {
    return {};
  }
  const auto size = fs::file_size(file, error);
  const auto changed = fs::last_write_time(file, error).time_since_epoch().count();
  if (error || size > limits::page_file_bytes_max) {
    return {};
  }
  static_file result;
  result.is_found = true;
  result.path = file.string();
  result.size = size;
  result.type = type_of(file);
  char digits[48];
  auto end = std::to_chars(digits, digits + 20, size, 16).ptr;
  *end++ = '-';
  end = std::to_chars(end, digits + sizeof digits, static_cast<std::uint64_t>(changed), 16).ptr;
  result.tag = "\"" + std::string{digits, end} + "\"";
  return result;
}

std::optional<std::string> read_static_file(const static_file& file) {
  std::string result(file.size, '\0');
  std::ifstream in{file.path, std::ios::binary};
  if (!in.read(result.data(), static_cast<std::streamsize>(result.size()))) {
    return std::nullopt;
  }
  return result;
}

std::string content_security_policy(std::string_view host) {
  return "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
         "font-src "
         "'self'; manifest-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors "
         "'none'; "
         "connect-src 'self' ws://" +
         std::string{host};
}

} // namespace tandem::bridge
