"""What an admission plugin is: it is asked about each write that it handles, and sees all of it.

Plugins first complete new objects, one after the other, and judge them after validation, in the same order. They are
named as Kubernetes names them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, TypeVar

from google.protobuf.message import Message

from master.apiserver.admission.write import Operation, Write
from master.store.contract import Delete, Put
from podlab.api import kinds
from podlab.api.kinds import GroupResource, Kind

Alongside = Sequence[Put | Delete]
"""What is committed with the object, or not at all."""
NOTHING: Alongside = ()
M = TypeVar("M", bound=Message)


WRITES = frozenset({Operation.CREATE, Operation.UPDATE})
ALL = frozenset({Operation.CREATE, Operation.UPDATE, Operation.DELETE})
ITSELF = frozenset({""})
"""The object as a whole, and no subresource."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Writes that a plugin is asked about: of which resources, by which operations, and of which subresources."""

    resources: frozenset[GroupResource]
    operations: frozenset[Operation]
    subresources: frozenset[str] | None
    """None: of every subresource and of the object itself."""

    def covers(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """Whether such writes are among them."""
        below = self.subresources is None or subresource in self.subresources
        return below and operation in self.operations and kind.group_resource in self.resources


def writes_of(
    *of: type[Message], on: Collection[Operation] = WRITES, below: Collection[str] | None = ITSELF
) -> tuple[Scope, ...]:
    """Writes of objects of these types."""
    resources = frozenset(kinds.of(message).group_resource for message in of)
    return (Scope(resources, frozenset(on), None if below is None else frozenset(below)),)


@dataclass(slots=True)
class Reinvocation:
    """Whether those who complete an object are asked once more, because one of its users' own plugins has changed it.

    See https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#reinvocation-policy
    """

    wanted: bool = False
    """Set by who has changed the object."""
    is_second: bool = False
    """Whether this is the second time. There is no third."""
    held: dict[str, object] = field(default_factory=dict)
    """What plugins, by their names, remember of the first time."""


@dataclass(slots=True)
class AdmissionRequest:
    """A write, with what is there and what is to be. `old` is None for a new object."""

    write: Write
    new: Message
    """Of a deletion: the object as it was last, or as it waits."""
    old: Message | None = None
    removed: bool = False
    """Whether the object is gone after the write: nothing holds it any more."""
    managed: bytes = b""
    """managedFields of the new object, as they are stored; `new` and `old` are without theirs."""
    managed_before: bytes = b""
    """Those that it had before."""
    until_s: float | None = None
    """When webhooks have to be done, on the event loop's clock; None as long as none has been asked."""
    _reinvocation: Reinvocation | None = None

    @property
    def reinvocation(self) -> Reinvocation:
        """Made when it is first asked for: most writes concern none of users' own plugins."""
        if self._reinvocation is None:
            self._reinvocation = Reinvocation()
        return self._reinvocation

    def new_as(self, message: type[M]) -> M:
        """The new object, which is known to be of that type."""
        assert isinstance(self.new, message)
        return self.new

    def old_as(self, message: type[M]) -> M:
        """The old object, which is known to be there, and of that type."""
        assert isinstance(self.old, message)
        return self.old


class Followed(Protocol):
    """What tells when it changes."""

    def follow(self, changed: Callable[[], None]) -> None:
        """Call `changed` after each change."""
        ...


class Plugin:
    """Does nothing; plugins replace what they need. Each is asked in the event loop."""

    name: ClassVar[str]
    scopes: ClassVar[tuple[Scope, ...]] = ()
    """The writes that it is asked about."""
    completes_alike: ClassVar[bool] = True
    """Whether what it makes of a new pod depends on the pod's template and on `completes_by` alone: then it is not
    asked about the next pod of the template."""

    @property
    def completes_by(self) -> tuple[Followed, ...]:
        """What it looks up to complete new pods: what pods of a template become may change with these objects."""
        return ()

    @property
    def told_by(self) -> tuple[Followed, ...]:
        """What users tell it what to do by: whether it is idle may change with these."""
        return ()

    @property
    def is_idle(self) -> bool:
        """Whether users have told it nothing: it is asked about no write then, so that those cost nothing more."""
        return False

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """Whether it is asked about such writes at all. Found out once for each kind, operation and subresource."""
        return any(scope.covers(kind, operation, subresource) for scope in self.scopes)

    def completes(self, kind: Kind) -> bool:
        """Whether it has something to complete of the kind's objects: else `mutate` is not asked about them."""
        return type(self).mutate is not Plugin.mutate

    async def mutate(self, request: AdmissionRequest) -> None:
        """Complete `request.new`, which has its defaults and is not validated. Raises ApiError."""

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """Let the write pass, and say what is to be committed with it. Raises ApiError.

        Asked again, without `mutate`, when the commit failed because others were faster.
        """
        return NOTHING


class MutatingPlugin(Plugin):
    """One that changes objects as the cluster's users say: it comes after all others, and those are asked again when it
    did. What it adds is managed by nobody."""

    completes_alike: ClassVar[bool] = False

    def concerns(self, request: AdmissionRequest) -> bool:
        """Whether somebody may want to change such an object. Asked about each, so it costs little."""
        raise NotImplementedError

    async def mutate(self, request: AdmissionRequest) -> None:
        """Change `request.new`, and say in `request.reinvocation` that it has changed. Raises ApiError."""
        raise NotImplementedError


class ChargingPlugin(Plugin):
    """One that takes what is limited: nobody else takes of it until the commit is done."""

    def concerns(self, request: AdmissionRequest) -> bool:
        """Whether the write takes or gives back something."""
        raise NotImplementedError

    def turn(self, request: AdmissionRequest) -> AbstractAsyncContextManager[None]:
        """Alone with what is limited, as it is now, until the block ends."""
        raise NotImplementedError

    def charge(self, request: AdmissionRequest) -> Alongside:
        """What has to be committed with the write. Raises Forbidden when it takes too much."""
        raise NotImplementedError
