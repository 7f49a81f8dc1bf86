"""A command that ends when whoever started it goes away, however he went.

Run as `python leash.py COMMAND...` with a pipe for standard input, in a session of its own. The pipe is the leash: the
kernel closes it when its holder exits, is interrupted or is killed, and then the whole process group is stopped. No
handler in the holder can promise that, and Keycloak is a shell script with a Java child.
"""

import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 15.0


def main(command: list[str]) -> int:
    """Runs the command; returns its exit code, or stops it when standard input ends."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_stop_at_end_of_input, args=(child,), daemon=True).start()
    return child.wait()


def _stop_at_end_of_input(child: subprocess.Popen[bytes]) -> None:
    sys.stdin.buffer.read()
    signal_group(signal.SIGTERM)
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        signal_group(signal.SIGKILL)


def signal_group(number: int) -> None:
    """Signals the process group, of which this program is the leader."""
    os.killpg(0, number)


if __name__ == "__main__":
    # It must outlive the SIGTERM that it sends to its own group. Not SIG_IGN, which the command would inherit.
    signal.signal(signal.SIGTERM, lambda *_: None)
    sys.exit(main(sys.argv[1:]))
