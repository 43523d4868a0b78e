"""One request on its way through the server: what it asks, and what has become of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from master.apiserver.authorization import Attributes
from master.apiserver.identity import User
from podlab.errors import ApiError


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a request when it comes in."""

    user: User
    """As whom it is answered."""
    wanted: tuple[Attributes, ...]
    """What authorization is asked about; nothing for what everybody whom we know may ask."""
    uri: str
    verb: str
    """As the audit log and metrics name it: Kubernetes' verb, or the method where there is none."""
    request: object = None
    """What the border looks at when something unexpected happens: nothing of a Secret is logged."""
    long_running: bool = False
    """A watch, or another stream that stays for long."""
    impersonator: User | None = None
    """Who really asks, when it is in another's name."""
    source: str = ""
    """The address it comes from."""
    user_agent: str = ""
    audit_id: str = field(default_factory=_new_id)


@dataclass(slots=True)
class Passage:
    """What has become of a request so far."""

    asked: Asked
    code: int = 200
    """The HTTP status that it is answered with."""
    error: ApiError | None = None
