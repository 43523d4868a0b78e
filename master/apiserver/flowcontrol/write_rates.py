"""How many bytes a second each user may write: written bytes stay on the master's disk as long as the history does.

A write costs the bytes that the store took. A small patch of a large object shows its cost only afterwards, so each
user has an account that fills by the second and may be overdrawn. Until it is balanced the user's writes are refused.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass

from master.apiserver.authentication.user import User
from master.apiserver.request.info import RequestInfo
from master.store.contract import Change, Delete, Entry, Limits, Put, Range, Store, size_bytes
from podlab.errors import TooManyRequests

VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_KNOWN = 4096


@dataclass(frozen=True, slots=True)
class Rate:
    """How many bytes a second, and how many at once."""

    bytes_per_s: int
    burst_bytes: int


USERS = Rate(4 << 20, 32 << 20)
# The cluster's components, and administrators, who may restore a backup: as much as a disk takes for minutes.
TRUSTED = Rate(16 << 20, 64 << 20)
_TRUSTED_GROUPS = frozenset({"system:masters", "system:nodes"})
_COMPONENTS = frozenset({"system:kube-controller-manager", "system:kube-scheduler"})


def rate_of(user: User) -> Rate:
    """The user's rate."""
    return TRUSTED if user.groups & _TRUSTED_GROUPS or user.name in _COMPONENTS else USERS


@dataclass(slots=True)
class Account:
    """The bytes that a user may write, as of `at_s`. A negative amount is owed."""

    rate: Rate
    left_bytes: float
    at_s: float

    def fill(self, now_s: float) -> None:
        """Add what the user has earned since."""
        earned = (now_s - self.at_s) * self.rate.bytes_per_s
        self.left_bytes, self.at_s = min(self.rate.burst_bytes, self.left_bytes + earned), now_s

    @property
    def wait_s(self) -> int:
        """How long it takes until nothing is owed."""
        return math.ceil(max(0.0, -self.left_bytes) / self.rate.bytes_per_s)


_payer: ContextVar[Account | None] = ContextVar("payer", default=None)


class _Charged(AbstractContextManager[None]):
    """The account pays for what the block writes. Entered once."""

    __slots__ = ("_account", "_before")

    def __init__(self, account: Account) -> None:
        self._account = account

    def __enter__(self) -> None:
        self._before = _payer.set(self._account)

    def __exit__(self, *_: object) -> None:
        _payer.reset(self._before)


_FREE: AbstractContextManager[None] = nullcontext()


class WriteRates:
    """Lives in the event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, rates: Callable[[User], Rate] = rate_of) -> None:
        self._clock = clock
        self._rates = rates
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    def charged(self, asked: RequestInfo) -> AbstractContextManager[None]:
        """Charge the caller for what the block writes. Raises TooManyRequests."""
        if asked.verb not in VERBS:
            return _FREE
        account = self._account(asked.caller)
        if wait_s := account.wait_s:
            mib = account.rate.bytes_per_s >> 20
            raise TooManyRequests(
                f'User "{asked.caller.name}" has written more than {mib} MiB a second: try again in {wait_s} s',
                retry_after_s=wait_s,
            )
        return _Charged(account)

    def _account(self, user: User) -> Account:
        account = self._accounts.get(user.name)
        if account is None:
            rate = self._rates(user)
            account = self._accounts[user.name] = Account(rate, rate.burst_bytes, self._clock())
            if len(self._accounts) > _KNOWN:
                self._accounts.popitem(last=False)
        self._accounts.move_to_end(user.name)
        account.fill(self._clock())
        return account


class ChargedStore:
    """Implements Store over another one. It charges commits to the user whose request makes them."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    @property
    def limits(self) -> Limits:
        """See Store."""
        return self._inner.limits

    async def commit(self, operations: Sequence[Put | Delete]) -> int:
        """See Store."""
        account = _payer.get()
        if account is not None:
            account.left_bytes -= sum(map(size_bytes, operations))
        return await self._inner.commit(operations)

    async def get(self, key: str) -> Entry | None:
        """See Store."""
        return await self._inner.get(key)

    async def range(self, prefix: str, *, start_after: str = "", limit: int = 0, revision: int = 0) -> Range:
        """See Store."""
        return await self._inner.range(prefix, start_after=start_after, limit=limit, revision=revision)

    def watch(self, prefix: str, from_revision: int) -> AsyncIterator[list[Change]]:
        """See Store."""
        return self._inner.watch(prefix, from_revision)

    async def revision(self) -> int:
        """See Store."""
        return await self._inner.revision()

    async def compact(self, revision: int) -> None:
        """See Store."""
        await self._inner.compact(revision)

    async def close(self) -> None:
        """See Store."""
        await self._inner.close()
