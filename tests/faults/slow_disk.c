/* Loaded ahead of libc: every fsync takes as many milliseconds longer as TANDEM_TEST_FSYNC_MS says. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_for_disk(void) {
  const char* text = getenv("TANDEM_TEST_FSYNC_MS");
  const long ms = text ? atol(text) : 0;
  const struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&wait, NULL);
}

int fsync(int file) {
  wait_for_disk();
  return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  wait_for_disk();
  return (int)syscall(SYS_fdatasync, file);
}
