"""The way of every request, over gRPC and REST alike: its turn, whether it may, its handler.

Who calls has been found out by then. What is raised on the way, or by the handler, leaves as one of our errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from master.apiserver import border
from master.apiserver.guard import Guard
from master.apiserver.limits import Limits
from master.apiserver.passage import Asked, Passage


class Gate:
    """Passed once by each request. The handler runs within `entered`."""

    def __init__(self, guard: Guard, limits: Limits) -> None:
        self._guard = guard
        self._limits = limits

    @asynccontextmanager
    async def entered(self, asked: Asked) -> AsyncIterator[Passage]:
        """The request's handler runs in the block. Raises TooManyRequests, Forbidden, and what the handler raises."""
        passage = Passage(asked)
        try:
            limit = self._limits.streams if asked.long_running else self._limits.calls
            with limit.held_by(asked.user.name):
                for wanted in asked.wanted:
                    await self._guard.admit(asked.user, wanted)
                yield passage
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # the caller hears of it, and the log when it is ours
            passage.error = border.api_error(error, asked.request)
            passage.code = passage.error.code
            raise passage.error from error
