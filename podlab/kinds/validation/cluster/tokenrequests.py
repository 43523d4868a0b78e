"""TokenRequests: how long a token may live."""

from __future__ import annotations

from podlab.authentication.v1.token_pb2 import TokenRequestSpec
from podlab.errors import Cause
from podlab.kinds.validation.findings import Findings

MIN_S, MAX_S = 600, 1 << 32


def check(spec: TokenRequestSpec) -> tuple[Cause, ...]:
    """What is wrong with it, once it has its defaults."""
    found = Findings()
    seconds = spec.expirationSeconds
    if seconds < MIN_S:
        found.invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    elif seconds > MAX_S:
        found.invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")
    return found.causes
