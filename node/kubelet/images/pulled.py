"""Which images the kubelet has pulled, and with whose credentials: who may use one that is on the node already.

An image that somebody's pull secret brought is not everybody's. https://kubernetes.io/docs/concepts/containers/images/#ensureimagepullcredentialverification
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol, TypedDict

from node.kubelet.cri.runtime import RegistryCredentials
from node.kubelet.settings import NEVER_VERIFY, NEVER_VERIFY_ALLOWLISTED, NEVER_VERIFY_PRELOADED, ImagePullSettings
from podlab.api.values import imagenames

_MOST_SECRETS = 100


class PullAccess(TypedDict):
    """To one repository's image: `secrets` are pairs of a Secret and the digest of its credentials."""

    everybody: bool
    secrets: list[list[str]]


class PulledState(TypedDict):
    """`pulled` is by the image's id and its repository; `begun` are the names whose pulls may have ended unnoticed."""

    pulled: dict[str, dict[str, PullAccess]]
    begun: list[str]


class Kept(Protocol):
    """Where it is over restarts."""

    def load(self) -> PulledState | None:
        """What was saved last; None when there is nothing."""

    def save(self, content: PulledState) -> None:
        """Raises OSError."""


@dataclass(frozen=True)
class PullRules:
    """Of which images a pod has to show that it may use them, by Kubernetes' names for such policies."""

    policy: str = NEVER_VERIFY_PRELOADED
    allowed: Sequence[str] = field(default=())

    def asks(self, name: str, *, pulled: bool) -> bool:
        """Whether it does of this one, which this kubelet has pulled or has not."""
        if self.policy == NEVER_VERIFY:
            return False
        if self.policy == NEVER_VERIFY_PRELOADED:
            return pulled
        if self.policy == NEVER_VERIFY_ALLOWLISTED:
            return pulled or not any(fnmatchcase(_repository(name), pattern) for pattern in self.allowed)
        return True


class PulledImages:
    """Kept over restarts."""

    def __init__(self, kept: Kept | None = None, settings: ImagePullSettings | None = None) -> None:
        """Without a place nothing is kept."""
        settings = settings or ImagePullSettings()
        self._rules = PullRules(settings.credentials_verification, settings.credentials_verification_allowlist)
        self._kept = kept
        self._state = (kept.load() if kept is not None else None) or PulledState(pulled={}, begun=[])

    def may_use(self, name: str, image_id: str, credentials: Iterable[RegistryCredentials]) -> bool:
        """Whether a pod with these pull secrets may use the image that is there, without asking the registry."""
        known = self._state["pulled"].get(image_id)
        if not self._rules.asks(name, pulled=known is not None or name in self._state["begun"]):
            return True
        access = (known or {}).get(_repository(name))
        if access is None:
            return False
        if access["everybody"]:
            return True
        secrets, digests = {each[0] for each in access["secrets"]}, {each[1] for each in access["secrets"]}
        return any(_digest(each) in digests or (each.origin and each.origin in secrets) for each in credentials)

    def begin(self, name: str) -> None:
        """A pull of the name begins: what it brings is known to be pulled, also if the kubelet ends meanwhile. Raises
        OSError."""
        if name not in self._state["begun"]:
            self._state["begun"].append(name)
            self._save()

    def end(self, name: str) -> None:
        """It brought nothing. Raises OSError."""
        if name in self._state["begun"]:
            self._state["begun"].remove(name)
            self._save()

    def add(self, name: str, image_id: str, used: RegistryCredentials | None, present: Collection[str]) -> None:
        """It brought the image, with a pull secret's credentials; None where anybody on the node had got it.
        `present` are the ids of all images that there are. Raises OSError."""
        pulled = {known: of for known, of in self._state["pulled"].items() if known in present or known == image_id}
        access = pulled.setdefault(image_id, {}).setdefault(_repository(name), PullAccess(everybody=False, secrets=[]))
        if used is None:
            access["everybody"] = True
        else:
            kept = [each for each in access["secrets"] if each[0] != used.origin]
            access["secrets"] = [*kept, [used.origin, _digest(used)]][-_MOST_SECRETS:]
        self._state["pulled"] = pulled
        self._state["begun"] = [each for each in self._state["begun"] if each != name]
        self._save()

    def _save(self) -> None:
        if self._kept is not None:
            self._kept.save(self._state)


def _repository(name: str) -> str:
    """In full, without tag and digest."""
    head, slash, last = imagenames.normalized(name).partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _digest(credentials: RegistryCredentials) -> str:
    """Tells credentials apart, and does not tell them."""
    told: Mapping[str, str] = {
        "username": credentials.username,
        "password": credentials.password,
        "token": credentials.identity_token,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
