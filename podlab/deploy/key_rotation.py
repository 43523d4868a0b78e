"""How a key takes another one's place in a folder of the cluster's PKI, step by step.

`next.key` is known to all API servers before any of them uses it; then it is the one that is used, and the former one,
which gets a name of its own, is known on. Each step may follow when the one before is in force on every master.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from podlab import pki

NEXT = "next.key"
_FORMER = "former-"
_NAME_DIGITS = 12


def advance(folder: Path, current: str, wanted: str, make: Callable[[], bytes], *, keeps_former: bool = False) -> bool:
    """Take the key to `trust`, `sign` or `alone`, unless it is there or further; whether that changed anything.

    `make` is called for the content of a new one. While a former key is there, the rotation counts as cut off on its
    way to `alone`, and `trust` begins no other; unless the folder `keeps_former` ones for as long as its owner wants.
    Raises OSError.
    """
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    is_under_way = (folder / NEXT).exists() or (not keeps_former and any(folder.glob(f"{_FORMER}*.key")))
    if wanted == "trust" and not is_under_way:
        pki.write(folder / NEXT, make())
    elif wanted == "sign" and (folder / NEXT).exists():
        former = (folder / current).read_bytes()
        pki.write(folder / f"{_FORMER}{hashlib.sha256(former).hexdigest()[:_NAME_DIGITS]}.key", former)
        os.replace(folder / NEXT, folder / current)
    elif wanted == "alone" and not (folder / NEXT).exists():
        for path in folder.glob("*.key"):
            if path.name != current:
                path.unlink()
    return {path.name: path.read_bytes() for path in folder.iterdir()} != before
