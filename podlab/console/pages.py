"""The pages as files, and the headers under which a browser runs them."""

from __future__ import annotations

import secrets
from importlib import resources
from pathlib import Path

from aiohttp import hdrs, web

from podlab.console.upstream import UpstreamError

_NONCE = "{{nonce}}"
"""Stands in index.html where the style sheets' nonce belongs: terminal and editor make style sheets as they run."""
_TYPES = {".js": "text/javascript", ".css": "text/css"}
"""Said by us: browsers refuse scripts of another type, and what a machine takes a suffix for is its own."""
_KEPT = "public, max-age=31536000, immutable"
_ASKED_AGAIN = "no-cache"
CONTENT = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""The policy for answers that are no pages of ours."""


def folder() -> Path:
    """Where the built pages are. Raises UpstreamError where they were not built."""
    found = Path(str(resources.files("podlab.console") / "static"))
    if not (found / "index.html").is_file():
        raise UpstreamError(
            f"{found} has no pages: they are built by `scripts/bootstrap console`, which needs npm with node.js 20.19 "
            "or newer (Debian 13: apt install npm; or `scripts/bootstrap clients`, which brings one from PyPI)"
        )
    return found


def policy(nonce: str) -> str:
    """What the page may load: its own files, and style sheets that carry the nonce. No text becomes a script."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def harden(answer: web.StreamResponse) -> None:
    """What holds for every answer."""
    answer.headers.setdefault("Content-Security-Policy", CONTENT)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Frame-Options"] = "DENY"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"


class Pages:
    """Answers with the files of a folder. index.html is read anew each time; all others have digests for names."""

    def __init__(self, at: Path) -> None:
        self._at = at

    async def index(self, request: web.Request) -> web.StreamResponse:
        nonce = secrets.token_urlsafe(16)
        text = (self._at / "index.html").read_text().replace(_NONCE, nonce)
        answer = web.Response(text=text, content_type="text/html")
        answer.headers[hdrs.CACHE_CONTROL] = _ASKED_AGAIN
        answer.headers["Content-Security-Policy"] = policy(nonce)
        return answer

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """A file of `assets/`; the folder has no others in it, and no name leads out of it."""
        path = self._at / "assets" / request.match_info["name"]
        if "/" in request.match_info["name"] or path.suffix not in _TYPES or not path.is_file():
            raise web.HTTPNotFound
        headers = {hdrs.CACHE_CONTROL: _KEPT, hdrs.CONTENT_TYPE: _TYPES[path.suffix]}
        return web.FileResponse(path, headers=headers)
