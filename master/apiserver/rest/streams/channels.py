"""Kubernetes' remote command protocol over WebSocket: a message is a channel's number and its bytes. Pure.

Version 5 adds that a client may close its stdin and go on reading. Before version 4 a failure is a text, and success
is not reported. In base64 a message is text: a digit, and its bytes in base64.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TypeGuard

import orjson

V5, V4, V4_BASE64 = "v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"
V1, V1_BASE64, UNNAMED = "channel.k8s.io", "base64.channel.k8s.io", ""
BASE64 = frozenset({V4_BASE64, V1_BASE64})
ALL = (V5, V4, V4_BASE64, V1, V1_BASE64, UNNAMED)
# Of those in base64, whose number is one character of ASCII.
MOST_BASE64_CHANNELS = 128 - ord("0")
STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
CLOSE = 255
_MOST_CELLS = 2**16 - 1


@dataclass(frozen=True, slots=True)
class Input:
    """Bytes for the command's stdin."""

    content: bytes


@dataclass(frozen=True, slots=True)
class InputEnd:
    """The end of stdin."""


@dataclass(frozen=True, slots=True)
class Resize:
    """The size of the client's terminal."""

    width: int
    height: int


def read(message: bytes, protocol: str) -> Input | InputEnd | Resize | None:
    """The meaning of a client's message; None for one without meaning here."""
    if not message:
        return None
    channel, content = message[0], message[1:]
    if channel == STDIN:
        return Input(content) if content else None
    if channel == CLOSE and protocol == V5:
        return InputEnd() if content == bytes((STDIN,)) else None
    return terminal_size(content) if channel == RESIZE else None


def terminal_size(content: bytes) -> Resize | None:
    """The terminal size in a message; None for a malformed one."""
    try:
        size = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    width, height = (size.get("Width"), size.get("Height")) if isinstance(size, dict) else (None, None)
    return Resize(width, height) if _is_count(width) and _is_count(height) else None


def _is_count(number: object) -> TypeGuard[int]:
    return isinstance(number, int) and 0 <= number <= _MOST_CELLS


def message(channel: int, content: bytes) -> bytes:
    """A message as it is sent."""
    return bytes((channel,)) + content


def encoded(sent: bytes) -> str:
    """A message in base64."""
    return chr(ord("0") + sent[0]) + base64.b64encode(sent[1:]).decode() if sent else ""


def decoded(got: bytes) -> bytes:
    """The message of a text in base64; an empty message for a malformed one."""
    if not got or not 0 <= got[0] - ord("0") < MOST_BASE64_CHANNELS:
        return b""
    try:
        return message(got[0] - ord("0"), base64.b64decode(got[1:], validate=True))
    except binascii.Error:
        return b""
