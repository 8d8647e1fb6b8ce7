"""Waiting for conditions, never for time."""

import time


class TooLate(AssertionError):
    pass


def eventually(condition, what, deadline_s=60.0, poll_s=0.02):
    """Returns the condition's first true value; after the deadline raises with `what` and the last value or error."""
    end = time.monotonic() + deadline_s
    while True:
        last = None
        try:
            last = condition()
            if last:
                return last
        except Exception as error:  # the condition may ask something that is not there yet
            last = error
        if time.monotonic() > end:
            raise TooLate(f"not within {deadline_s:g} s: {what} (last: {last!r})")
        time.sleep(poll_s)
