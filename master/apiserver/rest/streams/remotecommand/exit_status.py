"""How a command ended, as a Status. Pure.

Where the protocol is older than version 4, its words alone are told, and nothing of a success.
"""

from __future__ import annotations

from typing import Any

import orjson

from master.apiserver.rest.content import responses
from master.apiserver.rest.streams import channels
from podlab.errors import ApiError, InternalError

# Of both ways to stream, those in which the end is a Status.
_WITH_STATUS = frozenset({channels.V5, channels.V4, channels.V4_BASE64})

Outcome = dict[str, Any]


def ended(code: int, why: str = "") -> Outcome:
    """It ran to its end, or tells why it could not be run."""
    if why:
        return failed(InternalError(why))
    if not code:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failed(error: ApiError) -> Outcome:
    """There was no command."""
    return responses.failure_status(error)


def told(outcome: Outcome, protocol: str) -> bytes:
    """What a client of the protocol is sent; empty for nothing."""
    if protocol in _WITH_STATUS:
        return orjson.dumps(outcome)
    return b"" if outcome["status"] == "Success" else str(outcome["message"]).encode()
