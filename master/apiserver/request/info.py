"""One request on its way through the server: what it asks, and what has become of it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.watchcache.moment import ANY, Moment
from podlab.api.kinds import Kind
from podlab.errors import ApiError

# Who could not say who they are.
NOBODY = User("", frozenset())


_FIRST_HALF = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4{secrets.token_hex(2)[1:]}-a{secrets.token_hex(2)[1:]}-"
_count = itertools.count(secrets.randbits(40))


def new_id() -> str:
    """What a request is known by: a UUID, of which the first half is this process' own, and the second half counts."""
    return f"{_FIRST_HALF}{next(_count):012x}"


@dataclass(slots=True)  # not frozen: so many fields would take a hundredth of a create to set
class RequestInfo:
    """What is known of a request when it comes in. It does not change."""

    user: User
    """As whom it is answered."""
    wanted: tuple[Attributes, ...]
    """What authorization is asked about; nothing for what is refused before."""
    uri: str
    verb: str
    """As the audit log and metrics name it: Kubernetes' verb, or the method where there is none."""
    request: object = None
    """What the border looks at when something unexpected happens: nothing of a Secret is logged."""
    kind: Kind | None = None
    """The kind that a gRPC request names, once it has been looked up."""
    long_running: bool = False
    """A watch, or another stream that stays for long."""
    impersonator: User | None = None
    """Who really asks, when it is in another's name."""
    to_impersonate: tuple[Attributes, ...] = ()
    """What authorization is asked about the impersonator."""
    source: str = ""
    """The address it comes from."""
    user_agent: str = ""
    traceparent: str = ""
    """In which trace the caller is, as W3C has it; empty where it is in none."""
    sent: Callable[[], bytes] | None = None
    """Its body as JSON, when there is one."""
    refusal: ApiError | None = None
    """Why it is refused before authorization is asked: nobody knows who asks, or what."""
    audit_id: str = field(default_factory=new_id)

    @property
    def about_objects(self) -> bool:
        """Whether it is about objects, and not about a path such as /version."""
        return bool(self.wanted and self.wanted[0].resource)

    @property
    def path(self) -> str:
        """The URI without what is asked of it."""
        return self.uri.partition("?")[0]

    @property
    def caller(self) -> User:
        """Who really asks."""
        return self.user if self.impersonator is None else self.impersonator


@dataclass(slots=True)
class Exchange:
    """What has become of a request so far."""

    info: RequestInfo
    moment: Moment = ANY
    """What its reads must have seen."""
    code: int = 200
    """The HTTP status that it is answered with."""
    error: ApiError | None = None
    decision: str = ""
    """Of the authorization: allow or forbid; empty as long as it has not been asked."""
    reason: str = ""
    """Why authorization decided so, as far as it says."""
    impersonated: bool = False
    """Whether the caller was found to be allowed to ask in another's name."""
    name: str = ""
    """Of the object that was made, when the request did not name it."""
    answered: Callable[[], bytes] | None = None
    """The answer as JSON, when there is one."""
    warnings: list[str] = field(default_factory=list)
    """What admission warns the client of."""
    annotations: dict[str, str] = field(default_factory=dict)
    """What admission notes for the audit log."""
    flow_schema: str = ""
    """The UID of the FlowSchema that it matched."""
    priority_level: str = ""
    """The UID of the level that it had its turn in."""

    @property
    def user(self) -> User:
        """As whom it is answered."""
        return self.info.user

    @property
    def kind(self) -> Kind:
        """The kind that its gRPC request is known to name."""
        assert self.info.kind is not None
        return self.info.kind
