"""The claims of a service account's token, as Kubernetes writes them, and the user that they make. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from master.apiserver.authentication.jwt import InvalidToken
from master.apiserver.authentication.user import AUTHENTICATED, User

USER_PREFIX = "system:serviceaccount:"
GROUP = "system:serviceaccounts"
_EXTRA = "authentication.kubernetes.io/"
# Clocks of hosts differ: a token may come from this far in the future.
LEEWAY_S = 60


@dataclass(frozen=True, slots=True)
class Reference:
    """An object by name and uid. The same name with another uid is another object. A node's uid may be empty."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Claims:
    """The token is bound to at most one of pod, secret and node. With a pod, the node says where the pod runs."""

    issuer: str
    audiences: tuple[str, ...]
    namespace: str
    account: Reference
    issued_at: int
    expires: int
    id: str
    pod: Reference | None = None
    secret: Reference | None = None
    node: Reference | None = None
    warn_after: int | None = None

    def to_data(self) -> dict[str, object]:
        """The JSON object that is signed."""
        bound = {name: _reference_data(reference) for name, reference in self._bound().items()}
        warn = {} if self.warn_after is None else {"warnafter": self.warn_after}
        own = {"namespace": self.namespace, "serviceaccount": _reference_data(self.account), **bound, **warn}
        return {
            "aud": list(self.audiences),
            "exp": self.expires,
            "iat": self.issued_at,
            "iss": self.issuer,
            "jti": self.id,
            "kubernetes.io": own,
            "nbf": self.issued_at,
            "sub": user_name(self.namespace, self.account.name),
        }

    def user(self) -> User:
        """The user that the token stands for."""
        extra: dict[str, tuple[str, ...]] = {f"{_EXTRA}credential-id": (f"JTI={self.id}",)}
        for kind, reference in (("pod", self.pod), ("node", self.node)):
            if reference is not None:
                extra[f"{_EXTRA}{kind}-name"] = (reference.name,)
                if reference.uid:
                    extra[f"{_EXTRA}{kind}-uid"] = (reference.uid,)
        groups = frozenset((GROUP, f"{GROUP}:{self.namespace}", AUTHENTICATED))
        name = user_name(self.namespace, self.account.name)
        return User(name, groups, self.account.uid, MappingProxyType(extra))

    def _bound(self) -> dict[str, Reference]:
        every = {"pod": self.pod, "secret": self.secret, "node": self.node}
        return {name: reference for name, reference in every.items() if reference is not None}


def user_name(namespace: str, name: str) -> str:
    """The user name of a service account."""
    return f"{USER_PREFIX}{namespace}:{name}"


def parse(data: Mapping[str, object], issuer: str, now: float) -> Claims:
    """The claims of a token whose issuer, subject and times are right. Raises InvalidToken."""
    own = data.get("kubernetes.io")
    if data.get("iss") != issuer or not isinstance(own, dict):
        raise InvalidToken("it is not of this cluster's issuer")
    account = _reference(own, "serviceaccount")
    if account is None or data.get("sub") != user_name(str(own.get("namespace")), account.name):
        raise InvalidToken("it names no service account")
    expires, not_before = _number(data, "exp"), _number(data, "nbf")
    if now >= expires:
        raise InvalidToken("it has expired")
    if now + LEEWAY_S < not_before:
        raise InvalidToken("it is not good yet")
    audiences = data.get("aud")
    if not isinstance(audiences, list) or not all(isinstance(one, str) for one in audiences):
        raise InvalidToken("it names no audiences")
    return Claims(
        issuer=issuer,
        audiences=tuple(audiences),
        namespace=str(own["namespace"]),
        account=account,
        issued_at=_number(data, "iat"),
        expires=expires,
        id=str(data.get("jti", "")),
        pod=_reference(own, "pod"),
        secret=_reference(own, "secret"),
        node=_reference(own, "node"),
        warn_after=_number(own, "warnafter") if "warnafter" in own else None,
    )


def _reference_data(reference: Reference) -> dict[str, str]:
    return {"name": reference.name, **({"uid": reference.uid} if reference.uid else {})}


def _reference(own: Mapping[str, object], name: str) -> Reference | None:
    found = own.get(name)
    return Reference(str(found.get("name", "")), str(found.get("uid", ""))) if isinstance(found, dict) else None


def _number(data: Mapping[str, object], name: str) -> int:
    found = data.get(name)
    if type(found) is not int:
        raise InvalidToken(f"it has no claim {name}")
    return found
