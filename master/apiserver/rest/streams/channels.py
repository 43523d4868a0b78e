"""Kubernetes' remote command protocol over WebSocket: a message is a channel's number and its bytes. Pure.

Version 5 differs from version 4 in that a client may close its stdin and listen on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

import orjson

from master.apiserver.rest import answers
from podlab.errors import ApiError, InternalError

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
CLOSE = 255
_MOST_CELLS = 2**16 - 1


@dataclass(frozen=True, slots=True)
class Input:
    """What the client gives the command."""

    content: bytes


@dataclass(frozen=True, slots=True)
class InputEnd:
    """It gives no more."""


@dataclass(frozen=True, slots=True)
class Resize:
    """Its terminal's size."""

    width: int
    height: int


def read(message: bytes, protocol: str) -> Input | InputEnd | Resize | None:
    """What the client says; None for what has no meaning here."""
    if not message:
        return None
    channel, content = message[0], message[1:]
    if channel == STDIN:
        return Input(content) if content else None
    if channel == CLOSE and protocol == V5:
        return InputEnd() if content == bytes((STDIN,)) else None
    return _size(content) if channel == RESIZE else None


def _size(content: bytes) -> Resize | None:
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    width, height = (told.get("Width"), told.get("Height")) if isinstance(told, dict) else (None, None)
    return Resize(width, height) if _is_count(width) and _is_count(height) else None


def _is_count(number: object) -> TypeGuard[int]:
    return isinstance(number, int) and 0 <= number <= _MOST_CELLS


def message(channel: int, content: bytes) -> bytes:
    """As it is sent."""
    return bytes((channel,)) + content


def ended(code: int, why: str = "") -> bytes:
    """The last message: how the command ended, or why it could not be run."""
    if why:
        return failed(InternalError(why))
    if not code:
        return _status({"status": "Success"})
    return _status(
        {
            "status": "Failure",
            "message": f"command terminated with non-zero exit code: exit status {code}",
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
        }
    )


def failed(error: ApiError) -> bytes:
    """The last message, when there was no command."""
    return message(ERROR, orjson.dumps(answers.failure_status(error)))


def _status(told: dict[str, Any]) -> bytes:
    return message(ERROR, orjson.dumps({"metadata": {}, **told}))
