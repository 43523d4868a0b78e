"""The signals that may end containers, by their names. https://man7.org/linux/man-pages/man7/signal.7.html"""

from __future__ import annotations

import re

SIGNALS = {
    "SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGILL": 4, "SIGTRAP": 5, "SIGABRT": 6, "SIGIOT": 6, "SIGBUS": 7,
    "SIGFPE": 8, "SIGKILL": 9, "SIGUSR1": 10, "SIGSEGV": 11, "SIGUSR2": 12, "SIGPIPE": 13, "SIGALRM": 14,
    "SIGTERM": 15, "SIGSTKFLT": 16, "SIGCHLD": 17, "SIGCLD": 17, "SIGCONT": 18, "SIGSTOP": 19, "SIGTSTP": 20,
    "SIGTTIN": 21, "SIGTTOU": 22, "SIGURG": 23, "SIGXCPU": 24, "SIGXFSZ": 25, "SIGVTALRM": 26, "SIGPROF": 27,
    "SIGWINCH": 28, "SIGIO": 29, "SIGPOLL": 29, "SIGPWR": 30, "SIGSYS": 31, "SIGRTMIN": 34, "SIGRTMAX": 64,
}  # fmt: skip
_REAL_TIME = re.compile(r"SIGRT(MIN\+|MAX-)([1-9][0-9]?)")


def is_signal(name: str) -> bool:
    """Whether there is one of that name."""
    return number(name) != 0


def number(name: str) -> int:
    """By which the kernel knows it; 0 when there is none of that name. SIGRTMIN+3 is one, too."""
    if name in SIGNALS:
        return SIGNALS[name]
    found = _REAL_TIME.fullmatch(name)
    if found is None or not 1 <= int(found[2]) <= 15:
        return 0
    return SIGNALS["SIGRTMIN"] + int(found[2]) if found[1] == "MIN+" else SIGNALS["SIGRTMAX"] - int(found[2])
