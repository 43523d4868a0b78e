"""Continue tokens: the revision of the snapshot, and the key of the last object of a page."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from podlab.errors import BadRequest

LATEST: Final = -1
"""Instead of a revision: a list that goes on with what there is now."""


@dataclass(frozen=True, slots=True)
class ContinueToken:
    """Where the next page starts."""

    revision: int
    last_key: str

    def token(self) -> str:
        """The token, which is opaque to clients."""
        return base64.urlsafe_b64encode(f"{self.revision} {self.last_key}".encode()).decode()


def parse(token: str, prefix: str) -> ContinueToken:
    """Read a token. Raises BadRequest for one that is malformed or belongs to another list."""
    try:
        revision, _, last_key = base64.b64decode(token, altchars=b"-_", validate=True).decode().partition(" ")
        found = ContinueToken(int(revision), last_key)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"continue: {token!r} is not a token that a list gave; list again without it") from error
    if (found.revision < 1 and found.revision != LATEST) or not last_key.startswith(prefix):
        raise BadRequest("continue: the token belongs to another list; list again without it")
    return found
