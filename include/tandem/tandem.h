/* Tandem for C and for every language that can call C. The same verbs as tandem/runtime.hpp.
 *
 * Functions return 0, or another number on failure; then `*error`, if `error` is not NULL, is a sentence to be
 * freed with tandem_free. Texts that functions return are freed with tandem_free too. Any thread may call. */
#ifndef TANDEM_H
#define TANDEM_H

#include <stddef.h>
#include <stdint.h>
#include <tandem/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3;
typedef struct tandem_runtime tandem_runtime;

typedef struct tandem_options {
  size_t size;              /* sizeof(tandem_options): later versions add fields at the end */
  const char* path;         /* the app's database */
  int create;               /* not 0: a file that does not exist takes over its peers' tables */
  const char* listen;       /* "HOST:PORT", or NULL */
  const char* const* peers; /* URLs */
  size_t peer_count;
  const char* token; /* or NULL */
  const char* name;  /* or NULL */
  int not_durable;   /* not 0: no fsync before anything is sent or acknowledged */
  const char* user;  /* who settles conflicts here, for the audit trail; or NULL */
  /* How long settled conflicts stay in the audit trail: so many days, and the newest so many. 0: as it was set
   * before; negative: for ever, all. */
  int64_t audit_keep_days;
  int64_t audit_keep_count;
} tandem_options;

/* TANDEM_TAKE_FIELDS takes a JSON object of columns, each with "current", "other" or {"value": V}; TANDEM_REINSERT the
 * key under which the row that lost is inserted again. With TANDEM_FORCE added, what is settled already is settled
 * anew, and what was written over since is undone. */
enum {
  TANDEM_TAKE_CURRENT = 0,
  TANDEM_TAKE_OTHER = 1,
  TANDEM_TAKE_VALUE = 2,
  TANDEM_UNDO = 3,
  TANDEM_TAKE_FIELDS = 4,
  TANDEM_REINSERT = 5,
  TANDEM_FORCE = 256
};

/* Called on a thread of the runtime, one call at a time; `json` is valid during the call. */
typedef void (*tandem_callback)(void* context, const char* json);

TANDEM_EXPORT int tandem_open(const tandem_options* options, tandem_runtime** result, char** error);
/* Stops if need be. NULL is allowed. */
TANDEM_EXPORT void tandem_close(tandem_runtime* sync);
TANDEM_EXPORT int tandem_start(tandem_runtime* sync, char** error);
TANDEM_EXPORT void tandem_stop(tandem_runtime* sync);
TANDEM_EXPORT int tandem_track(tandem_runtime* sync, const char* const* tables, size_t table_count, char** error);
/* `priority`: "critical", "normal" or "background". */
TANDEM_EXPORT int tandem_prioritize(tandem_runtime* sync, const char* table, const char* priority, char** error);
TANDEM_EXPORT void tandem_hint(tandem_runtime* sync);
TANDEM_EXPORT int tandem_attach(tandem_runtime* sync, struct sqlite3* connection, char** error);
TANDEM_EXPORT int tandem_detach(tandem_runtime* sync, struct sqlite3* connection, char** error);
/* Before tandem_start. `json`: {"remote":true,"rows":1,"conflicts":0,"tables":["notes"]} */
TANDEM_EXPORT void tandem_on_change(tandem_runtime* sync, tandem_callback callback, void* context);
/* Ends all links, and makes none until tandem_resume. */
TANDEM_EXPORT int tandem_pause(tandem_runtime* sync, char** error);
TANDEM_EXPORT int tandem_resume(tandem_runtime* sync, char** error);
/* Before tandem_start. `json`: the "links", "paused" and "trouble" of tandem_status_json. */
TANDEM_EXPORT void tandem_on_state(tandem_runtime* sync, tandem_callback callback, void* context);
/* Before tandem_start; what the monitor warns of. `json`: {"over":false,"rule":"link_down","severity":"warning",
 * "subject":"hub","value":12,"evidence":"...","cause":"...","step":"..."} */
TANDEM_EXPORT void tandem_on_alert(tandem_runtime* sync, tandem_callback callback, void* context);
/* Before tandem_start; asked about columns whose policy is `callback`. `json`:
 * {"table":"lists","column":"words","key":1,"earlier":"milk","later":"eggs"}. Returns the value that shall stand, as
 * JSON in memory from malloc, which Tandem frees, or NULL for no answer: then, and if it takes more than 50 ms, the
 * later write stands. Called on a thread of its own; must answer the same on every device. */
typedef char* (*tandem_decision)(void* context, const char* json);
TANDEM_EXPORT void tandem_on_conflict(tandem_runtime* sync, tandem_decision callback, void* context);
TANDEM_EXPORT char* tandem_url(tandem_runtime* sync);
TANDEM_EXPORT int tandem_status_json(tandem_runtime* sync, char** json, char** error);
/* What the runtime has measured of itself; and the same in Prometheus' text format. */
TANDEM_EXPORT int tandem_monitor_json(tandem_runtime* sync, char** json, char** error);
TANDEM_EXPORT int tandem_metrics_text(tandem_runtime* sync, char** text, char** error);
TANDEM_EXPORT int tandem_conflicts_json(tandem_runtime* sync, int open_only, char** json, char** error);
TANDEM_EXPORT int tandem_resolve(tandem_runtime* sync, const char* conflict_id, int take, const char* value_json,
                                 char** error);
/* 0: all is level; 1: the time passed first; another number: failure. */
TANDEM_EXPORT int tandem_wait_until_level(tandem_runtime* sync, int64_t ms, char** error);
/* The pages of a WebView on a started runtime; see tandem/page.hpp, whose rules hold here too. `evaluate` is to run a
 * script in the page. For each tandem_page_take, `reply` is called once, perhaps later, with its `request`. Texts are
 * valid during the call. Close a page before the runtime is stopped; no callback comes after that. */
typedef struct tandem_page tandem_page;
typedef void (*tandem_page_evaluate)(void* context, const char* script);
typedef void (*tandem_page_reply)(void* context, void* request, const char* text, int is_error);
TANDEM_EXPORT int tandem_page_open(tandem_runtime* sync, tandem_page_evaluate evaluate, tandem_page_reply reply,
                                   void* context, tandem_page** result, char** error);
TANDEM_EXPORT void tandem_page_take(tandem_page* page, const char* message, void* request);
TANDEM_EXPORT void tandem_page_reset(tandem_page* page);
/* NULL is allowed. */
TANDEM_EXPORT void tandem_page_close(tandem_page* page);
TANDEM_EXPORT void tandem_free(char* text);
TANDEM_EXPORT const char* tandem_version(void);

#ifdef __cplusplus
}
#endif

#endif
