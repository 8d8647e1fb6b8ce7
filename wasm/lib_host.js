// What the module imports: the page's script puts an object with these functions into `host` of the module.
mergeInto(LibraryManager.library, {
  tandem_host_dial: function (number, url, token) {
    Module["host"].dial(number, UTF8ToString(url), UTF8ToString(token));
  },
  tandem_host_send: function (number, bytes, size) {
    Module["host"].send(number, HEAPU8.slice(bytes, bytes + size));
  },
  tandem_host_unsent: function (number) {
    return Module["host"].unsent(number);
  },
  tandem_host_close: function (number) {
    Module["host"].close(number);
  },
  tandem_host_say: function (level, text) {
    Module["host"].say(level, UTF8ToString(text));
  },
});
