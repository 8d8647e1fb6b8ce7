/* The same app in C, as short as it gets: one device that serves its notes, and one that takes them over.
 * Usage: notes_c FOLDER */
#include <stdio.h>
#include <stdlib.h>
#include <tandem/tandem.h>

#include <sqlite3.h>

enum { path_bytes_max = 4096, patience_ms = 60000 };

static void check(int code, char* error, const char* what) {
  if (code != 0) {
    fprintf(stderr, "notes_c: %s: %s\n", what, error ? error : "it took too long");
    exit(EXIT_FAILURE);
  }
}

static tandem_runtime* start(const char* path, const char* listen, const char* peer) {
  tandem_options options = {0};
  options.size = sizeof options;
  options.path = path;
  options.create = peer != NULL;
  options.listen = listen;
  options.peers = &peer;
  options.peer_count = peer ? 1 : 0;

  tandem_runtime* sync = NULL;
  char* error = NULL;
  check(tandem_open(&options, &sync, &error), error, "open");
  if (!peer) {
    const char* tables[] = {"notes"};
    check(tandem_track(sync, tables, 1, &error), error, "track");
  }
  check(tandem_start(sync, &error), error, "start");
  return sync;
}

static void run_sql(const char* path, const char* sql) {
  sqlite3* connection = NULL;
  char* error = NULL;
  check(sqlite3_open(path, &connection), NULL, path);
  sqlite3_busy_timeout(connection, patience_ms);
  check(sqlite3_exec(connection, sql, NULL, NULL, &error), error, sql);
  sqlite3_close(connection);
}

static int take_count(void* into, int columns, char** values, char** names) {
  (void)columns;
  (void)names;
  *(int*)into = atoi(values[0]);
  return 0;
}

static int count_notes(const char* path) {
  sqlite3* connection = NULL;
  int count = -1;
  if (sqlite3_open(path, &connection) == SQLITE_OK)
    sqlite3_exec(connection, "SELECT count(*) FROM notes", take_count, &count, NULL);
  sqlite3_close(connection);
  return count;
}

int main(int argc, char** argv) {
  char first[path_bytes_max];
  char second[path_bytes_max];
  if (argc < 2) {
    fprintf(stderr, "usage: notes_c FOLDER\n");
    return 2;
  }
  snprintf(first, sizeof first, "%s/first.db", argv[1]);
  snprintf(second, sizeof second, "%s/second.db", argv[1]);

  run_sql(first, "CREATE TABLE notes(id INTEGER PRIMARY KEY, text); INSERT INTO notes(text) VALUES ('a'), ('b')");
  tandem_runtime* server = start(first, "127.0.0.1:0", NULL);
  char* url = tandem_url(server);
  tandem_runtime* client = start(second, NULL, url);
  tandem_free(url);

  char* error = NULL;
  check(tandem_wait_until_level(client, patience_ms, &error), error, "wait");
  const int count = count_notes(second);
  printf("  tandem %s: the second device has %d notes\n", tandem_version(), count);
  tandem_close(client);
  tandem_close(server);
  return count == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
