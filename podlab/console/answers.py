"""The console's own answers, in the form in which API servers give theirs."""

from __future__ import annotations

from aiohttp import hdrs, web


def refusal(code: int, reason: str, message: str) -> web.Response:
    """A Kubernetes Status that says no."""
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return web.json_response(status, status=code, headers={hdrs.CACHE_CONTROL: "no-store"})
