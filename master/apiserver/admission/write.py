"""What somebody wants to write: one value for every way in, over gRPC, over REST, or from the server itself.

Kubernetes knows four operations. A patch is an update that is made from the object as it stands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum

from google.protobuf.message import Message

from master.apiserver.authentication.user import User
from master.apiserver.watchcache.moment import Moment
from podlab.api import kinds, objects
from podlab.api.kinds import Kind
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.kinds.validation.rules import Rules

ATTEMPTS = 16
# A patch is tried again so many times: it is computed anew each time.
PATCH_ATTEMPTS = 1 + 5

Change = Callable[[Message], Message]
"""Makes what is sent of the object as it stands, which becomes its own. It is called again when others were faster."""


class Operation(StrEnum):
    """As Kubernetes' admission names them."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"

    __hash__ = str.__hash__  # in C: Enum's own is a call, and each write looks up whom admission asks


class Propagation(StrEnum):
    """What becomes of the objects that a deleted object owns."""

    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class Disruption:
    """Why a pod goes before its time, as its condition DisruptionTarget says it."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """One object that is to be deleted, and on what terms. Preconditions that are empty are not checked."""

    kind: Kind
    namespace: str
    name: str
    _: KW_ONLY
    uid: str = ""
    resource_version: str = ""
    grace_period_s: int | None = None
    propagation: Propagation | None = None
    disruption: Disruption | None = None
    """Said by a pod that does not go already."""


@dataclass(frozen=True, slots=True)
class Application:
    """A configuration that is applied on the server: JSON, in the version that it is written in. See KEP-555."""

    configuration: dict[str, Json]
    force: bool = False
    """Whether fields are taken from others who manage them."""
    admit_creation: Callable[[], Awaitable[None]] | None = None
    """Raises Forbidden when its author may not create the object, which is done when there is none."""


@dataclass(frozen=True, slots=True)
class WriteContext:
    """Who writes, and what holds for all that they write in one request."""

    user: User
    _: KW_ONLY
    manager: str = ""
    """The field manager: who answers for the fields that are written. Empty for the server's own writes."""
    named_manager: str = ""
    """The field manager as the request names it; empty where its user agent stands for one."""
    dry_run: bool = False
    """Whether all is checked and nothing stored."""
    moment: Moment | None = None
    """What its reads must have seen. None: each write has a moment of its own, found when it is carried out."""
    traceparent: str = ""
    """In which trace the caller is, as W3C has it."""
    rules: Rules | None = None
    """What is asked of objects in the version that they come in. None: what the stored version asks."""
    warnings: list[str] = field(default_factory=list, compare=False)
    """What admission warns the client of."""
    annotations: dict[str, str] = field(default_factory=dict, compare=False)
    """What admission notes for the audit log."""


@dataclass(slots=True)  # not frozen, for the same reason as RequestInfo
class Write:
    """One object that is to be created, changed or deleted, by whom, and how the new one is made of the old one:
    `sent` takes its place, or `change`, `application` or `deletion` say what becomes of it. It does not change."""

    context: WriteContext
    operation: Operation
    kind: Kind
    _: KW_ONLY
    namespace: str
    name: str
    """Empty for a new object whose name is generated."""
    subresource: str = ""
    """As Kubernetes calls it, in URLs and in managed fields alike: status, scale, binding ..."""
    sent: Message | None = None
    change: Change | None = None
    application: Application | None = None
    deletion: Deletion | None = None
    version: Kind | None = None
    """The version that the writer writes in, where it is not the stored one."""
    attempts: int = ATTEMPTS
    writes_marks: bool = True
    """Whether labels, annotations, finalizers and owners that are sent with a status are written too."""
    creates_missing: bool = False
    """Whether an update creates the object when there is none."""
    sees_managed_fields: bool = True
    """Whether `change` is given the object with its managedFields."""

    @property
    def seen(self) -> Kind:
        """The version in which the object is looked at, checked and changed: of custom ones that of their writer, of
        others the stored one."""
        return self.version if self.version is not None and self.kind.message is Custom else self.kind

    @property
    def user(self) -> User:
        """Who writes."""
        return self.context.user

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored."""
        return self.context.dry_run

    @classmethod
    def create(
        cls, context: WriteContext, message: Message, kind: Kind | None = None, *, version: Kind | None = None
    ) -> Write:
        """The message becomes the write's own. `kind` is that of messages that do not tell it: of custom objects."""
        own, kind = objects.metadata(message), kind or kinds.of(message)
        return cls(
            context,
            Operation.CREATE,
            kind,
            namespace=own.namespace,
            name=own.name,
            sent=message,
            version=version,
        )

    @classmethod
    def update(
        cls,
        context: WriteContext,
        message: Message,
        kind: Kind | None = None,
        *,
        subresource: str = "",
        version: Kind | None = None,
        writes_marks: bool = True,
        creates_missing: bool = False,
    ) -> Write:
        """The object, or a subresource of it, becomes what the message says."""
        own = objects.metadata(message)
        return cls(
            context,
            Operation.UPDATE,
            kind or kinds.of(message),
            namespace=own.namespace,
            name=own.name,
            subresource=subresource,
            sent=message,
            version=version,
            writes_marks=writes_marks,
            creates_missing=creates_missing,
        )

    @classmethod
    def update_status(
        cls, context: WriteContext, message: Message, kind: Kind | None = None, *, version: Kind | None = None
    ) -> Write:
        """The status alone: of whoever may have read the rest of the object long ago, nothing else is looked at."""
        return cls.update(context, message, kind, subresource="status", version=version, writes_marks=False)

    @classmethod
    def patch(
        cls,
        context: WriteContext,
        kind: Kind,
        patch: Change | Application,
        *,
        namespace: str,
        name: str,
        subresource: str = "",
        version: Kind | None = None,
        sees_managed_fields: bool = True,
    ) -> Write:
        """The object, or a subresource of it, becomes what is made of it. An object to which a configuration is applied
        is created when there is none."""
        application = patch if isinstance(patch, Application) else None
        return cls(
            context,
            Operation.UPDATE,
            kind,
            namespace=namespace,
            name=name,
            subresource=subresource,
            change=None if isinstance(patch, Application) else patch,
            application=application,
            version=version,
            attempts=PATCH_ATTEMPTS,
            creates_missing=application is not None and not subresource,
            sees_managed_fields=sees_managed_fields,
        )

    @classmethod
    def delete(
        cls, context: WriteContext, deletion: Deletion, *, subresource: str = "", version: Kind | None = None
    ) -> Write:
        """The object is marked as deleted, or removed. Without a `version` nobody has to be able to convert it."""
        return cls(
            context,
            Operation.DELETE,
            deletion.kind,
            namespace=deletion.namespace,
            name=deletion.name,
            subresource=subresource,
            deletion=deletion,
            version=version,
        )

    def creation(self, sent: Message | None = None, *, name: str = "") -> Write:
        """The creation of its object when there is none; of another message under another name where these are given.

        All that creations ask for is said by name: dataclasses.replace takes four times as long, and each new Event
        comes this way.
        """
        return Write(
            self.context,
            Operation.CREATE,
            self.kind,
            namespace=self.namespace,
            name=name or self.name,
            sent=sent or self.sent,
            application=self.application,
            version=self.version,
        )

    @classmethod
    def connect(
        cls, context: WriteContext, kind: Kind, options: Message, *, namespace: str, name: str, subresource: str
    ) -> Write:
        """A connection to what stands below the object, with these options. Nothing is written."""
        return cls(
            context,
            Operation.CONNECT,
            kind,
            namespace=namespace,
            name=name,
            subresource=subresource,
            sent=options,
        )

    def made_from(self, old: Message | None) -> Message:
        """What is sent for the object as it stands: a message of its own each time. Not for deletions, nor for what is
        applied."""
        if self.sent is not None:
            copy = type(self.sent)()
            copy.CopyFrom(self.sent)
            return copy
        assert self.change is not None
        assert old is not None
        return self.change(old)
