"""Who may use the console: whoever opened a link that it printed. Nothing here is written to disk."""

from __future__ import annotations

import secrets
from collections.abc import Callable

_MOST_SESSIONS = 64
"""The oldest one ends where more are begun."""


class Sessions:
    """Each link is good once: a link in a history or a log opens nothing. `announce` is told each next token."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._token = ""
        self._sessions: dict[str, None] = {}

    def offer(self) -> str:
        """A token for the next session, in place of the last one."""
        self._token = secrets.token_urlsafe(32)
        self._announce(self._token)
        return self._token

    def begin(self, token: str) -> str | None:
        """The new session's secret; None where the token is not the one that is offered. The next one is offered."""
        if not self._token or not secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        session = secrets.token_urlsafe(32)
        self._sessions[session] = None
        while len(self._sessions) > _MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self.offer()
        return session

    def holds(self, session: str) -> bool:
        """Whether it has begun. 256 random bits cannot be found by timing how a dictionary looks them up."""
        return session in self._sessions
