"""How a command ended, as a Status. Pure.

Protocols before version 4 carry the message only, and nothing on success.
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
    """The outcome of a command that ran to its end, or, with `why`, could not be run."""
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
    """The outcome when no command was started."""
    return responses.failure_status(error)


def encoded(outcome: Outcome, protocol: str) -> bytes:
    """The outcome as the protocol sends it; empty when it sends nothing."""
    if protocol in _WITH_STATUS:
        return orjson.dumps(outcome)
    return b"" if outcome["status"] == "Success" else str(outcome["message"]).encode()
