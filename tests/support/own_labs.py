"""Labs that tests make for themselves."""

from __future__ import annotations

import zlib
from pathlib import Path

from podlab.lab.lab import Lab

_PROJECT = Path(__file__).resolve().parents[2]


def own_lab(letter: str) -> Lab:
    """The same one each time, so that what a killed run left is found; another one for each copy of the project."""
    return Lab(f"e2e-{letter}-{zlib.crc32(str(_PROJECT).encode()) & 0xFFFFFF:06x}")
