"""What preflight has to say about a host."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong on `host`: why, and what to do. `check` is a short stable name for programs."""

    host: str
    severity: Severity
    check: str
    cause: str
    remedy: str


def error(host: str, check: str, cause: str, remedy: str) -> Finding:
    return Finding(host, Severity.ERROR, check, cause, remedy)


def warning(host: str, check: str, cause: str, remedy: str) -> Finding:
    return Finding(host, Severity.WARNING, check, cause, remedy)
