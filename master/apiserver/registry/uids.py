"""UIDs of new objects: random UUIDs, made from the system's random bytes many at a time, as each look costs a call."""

from __future__ import annotations

import os
from collections import deque

_AT_ONCE = 64
_DIGITS = 32
_VARIANTS = {digit: "89ab"[number % 4] for number, digit in enumerate("0123456789abcdef")}

_ready: deque[str] = deque()


def new_uid() -> str:
    """One that no other object has: version 4 of RFC 9562."""
    if not _ready:
        random = os.urandom(_AT_ONCE * _DIGITS // 2).hex()
        _ready.extend([_uuid(random[at : at + _DIGITS]) for at in range(0, len(random), _DIGITS)])
    return _ready.popleft()


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:]}"
