"""A forked child that does one thing, and what becomes of it."""

import contextlib
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def forked(work: Callable[[], object], *, within_seconds: int = 20) -> Iterator[None]:
    """Fork, and have the child do `work` beside the block; fails unless it comes to something true in time.

    A child that waits for a lock which nobody holds there does not end by itself: the alarm ends it.
    """
    with warnings.catch_warnings():
        # Since 3.12 Python warns of a fork while other threads run: that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:  # pragma: no cover - in the child, where only the exit status is seen
        code = 1
        with contextlib.suppress(BaseException):
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(within_seconds)
            code = 0 if work() else 2
        os._exit(code)
    try:
        yield
    finally:
        _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code == 0, f"the child ended with {code}" + (": it was waiting still" if code == -signal.SIGALRM else "")
