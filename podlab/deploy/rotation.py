"""How an authority takes another one's place, step by step, while nobody is refused.

The files in an authority's folder say how far it is, so that a rotation that was cut off goes on where it was:

| step | next.key | ca.crt, in this order | ca.key |
| --- | --- | --- | --- |
| SETTLED | | the authority | its key |
| TRUSTED: hosts come to trust both | of the next one | the authority, the next one | the authority's |
| SIGNING: the next one signs, hosts get its certificates | | the next one, the authority | the next one's |
| SETTLED: hosts trust the next one alone | | the next one | its key |

A step may follow only when the one before is in force on every host.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from podlab import pki

NEXT = "next.key"
BEFORE = "before.crt"
"""What ca.crt held before the last step, which hosts may have yet."""


class Step(StrEnum):
    SETTLED = "settled"
    TRUSTED = "trusted"
    SIGNING = "signing"


def step(directory: Path) -> Step:
    """How far it is. Raises PkiError, OSError."""
    if (directory / NEXT).exists():
        return Step.TRUSTED
    return Step.SIGNING if len(pki.read_certificates(directory / "ca.crt")) > 1 else Step.SETTLED


def advance(directory: Path, name: str, wanted: str, *, keeps_former: bool = False) -> bool:
    """Take the authority with that name to `trust`, `sign` or `alone`, unless it is there or further; whether what is
    trusted changed. With `keeps_former`, earlier ones may be trusted for as long as their owner wants, and `trust`
    begins with another one all the same. Raises PkiError, OSError."""
    before = (directory / "ca.crt").read_bytes()
    if wanted == "trust" and (keeps_former or step(directory) is not Step.SIGNING):
        trust_next(directory, name)
    elif wanted == "sign":
        sign_with_next(directory)
    elif wanted == "alone":
        trust_alone(directory)
    return (directory / "ca.crt").read_bytes() != before


def trust_next(directory: Path, name: str) -> bool:
    """Make the next authority, to be trusted beside this one; False where it is there. Raises PkiError, OSError."""
    pki.load_ca(directory)
    if not (directory / NEXT).exists():
        pki.write(directory / NEXT, pki.new_key())
    key = pki.read_key(directory / NEXT)
    trusted = pki.read_certificates(directory / "ca.crt")
    if any(each.public_key() == key.public_key() for each in trusted):
        return False
    _replace(directory, pki.pem(*trusted, pki.new_authority(key, name)))
    return True


def sign_with_next(directory: Path) -> None:
    """Have the next authority sign from now on; nothing where it does. Raises PkiError, OSError."""
    if (directory / NEXT).exists():
        os.replace(directory / NEXT, directory / "ca.key")
    ca = pki.load_ca(directory)
    others = [each for each in pki.read_certificates(directory / "ca.crt") if each != ca.certificate]
    ordered = pki.pem(ca.certificate, *others)
    if ordered != (directory / "ca.crt").read_bytes():
        _replace(directory, ordered)


def trust_alone(directory: Path) -> None:
    """Have the authority that signs be the only one that is trusted. Raises PkiError, OSError."""
    if step(directory) is not Step.SIGNING:
        return
    _replace(directory, pki.pem(pki.load_ca(directory).certificate))


def _replace(directory: Path, authorities: bytes) -> None:
    pki.write(directory / BEFORE, (directory / "ca.crt").read_bytes())
    pki.write(directory / "ca.crt", authorities)
