"""Which Secrets Ingresses name as certificates. It follows the watch cache."""

from __future__ import annotations

from collections import Counter, defaultdict

from master.apiserver.watchcache.cached_object import CacheEvent
from master.apiserver.watchcache.kind_window import KindWindow
from podlab.api.ingresses import CONTROLLER, certificates, class_of
from podlab.networking.v1.ingress_pb2 import Ingress, IngressClass

Secret = tuple[str, str]
"""Namespace and name."""


class IngressCertificates:
    """Implements authorization.ingress.Certificates."""

    def __init__(self, ingresses: KindWindow, classes: KindWindow) -> None:
        self._classes = classes
        self._claims: dict[str, tuple[str, frozenset[Secret]]] = {}
        """The class of each Ingress that names Secrets, and which, by the Ingress's key."""
        self._claimants: defaultdict[Secret, Counter[str]] = defaultdict(Counter)
        """How many Ingresses of each class name the Secret."""
        ingresses.follow(self._take)

    def claimed(self, namespace: str, secret: str) -> bool:
        """See Certificates."""
        return any(self._is_served(name) for name in self._claimants.get((namespace, secret), ()))

    def _is_served(self, name: str) -> bool:
        entry = self._classes.entries.get(f"{self._classes.prefix}{name}")
        return entry is not None and entry.message_as(IngressClass).spec.controller == CONTROLLER

    def _take(self, event: CacheEvent) -> None:
        name, secrets = self._claims.pop(event.key, ("", frozenset()))
        for secret in secrets:
            self._count(secret, name, -1)
        if event.new is None:
            return
        ingress = event.new.message_as(Ingress)
        name, secrets = class_of(ingress), frozenset(certificates(ingress))
        if not secrets:
            return
        self._claims[event.key] = name, secrets
        for secret in secrets:
            self._count(secret, name, 1)

    def _count(self, secret: Secret, name: str, step: int) -> None:
        counts = self._claimants[secret]
        counts[name] += step
        if not counts[name]:
            del counts[name]
        if not counts:
            del self._claimants[secret]
