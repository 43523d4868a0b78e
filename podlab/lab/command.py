"""The one place that runs other programs for the lab."""

import shlex
import subprocess
from collections.abc import Collection, Sequence

from podlab.lab.errors import LabError

DEFAULT_TIMEOUT_S = 60.0


def run(argv: Sequence[str], *, allowed: Collection[int] = (0,), timeout_s: float = DEFAULT_TIMEOUT_S) -> str:
    """Run a program to its end and return what it wrote; any exit code not allowed is a LabError."""
    done = completed(argv, timeout_s=timeout_s)
    if done.returncode not in allowed:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LabError(f"`{shlex.join(argv)}` exited with {done.returncode}: {said}")
    return done.stdout


def succeeds(argv: Sequence[str]) -> bool:
    """Ask a yes/no question of a program."""
    return completed(argv, timeout_s=DEFAULT_TIMEOUT_S).returncode == 0


def completed(argv: Sequence[str], *, timeout_s: float) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end and return all of its outcome, whatever it is."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout_s)
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed: run scripts/bootstrap") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{shlex.join(argv)}` did not end within {timeout_s:.0f} s") from error
