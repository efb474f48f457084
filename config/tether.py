"""Runs one command and ends it, with all that it started, when whoever asked for it is gone.

    python -I -S tether.py LIFELINE SIGNAL GRACE USER COMMAND…

LIFELINE is the number of an inherited end of a pipe whose other end only the asking process holds;
the system closes that end however the process dies, ``kill -9`` included.  Then, and on SIGTERM,
the command gets SIGNAL, and GRACE seconds later its whole group is killed: a worker's pool and
a server's workers go with it.  The group is this process's own, so whoever starts it MUST make it a
session leader.  USER is the numeric id to run the command as, or ``-``.  Standard library only.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1  # linux/prctl.h
AFTER_A_DEATH = 3.0  # seconds of grace at most when nobody is left to wait for the end


def _die_with_the_tether() -> None:
    """In the new process: ask Linux to kill it should the tether itself be killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Run the command until it ends or must end; then leave nothing of its process group."""
    lifeline, stop_signal, grace = int(arguments[0]), int(arguments[1]), float(arguments[2])
    user = None if arguments[3] == "-" else int(arguments[3])
    if os.getpgrp() != os.getpid():
        sys.exit("tether: must lead its own process group")
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(  # noqa: S603 - the caller's own command
        arguments[4:],
        stdin=subprocess.DEVNULL,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        # One thread, no locks held: what makes preexec_fn unsafe is absent here.
        preexec_fn=_die_with_the_tether if sys.platform == "linux" else None,  # noqa: PLW1509
    )
    watched, deadline = [lifeline, woken], None
    while child.poll() is None:
        remaining = None if deadline is None else deadline - time.monotonic()
        if remaining is not None and remaining <= 0:
            break
        ready, _, _ = select.select(watched, [], [], remaining)
        orphaned = lifeline in ready
        numbers = os.read(woken, 64) if woken in ready else b""
        told = signal.SIGTERM in numbers or signal.SIGINT in numbers
        if orphaned:
            watched = [woken]
            grace = min(grace, AFTER_A_DEATH)
        if orphaned or (told and deadline is None):
            child.send_signal(stop_signal)
            deadline = time.monotonic() + grace
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
