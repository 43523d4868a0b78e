"""What all Ingresses together claim: hosts and paths, defaults, certificates; and what is wrong with some of it. Pure.

Matching follows Kubernetes' documentation of Ingress: a path of type Exact is the request's path, one of type Prefix is
its first parts between slashes, and a final slash of a Prefix does not count. ImplementationSpecific means Prefix here.
Of two that claim the same, the older Ingress has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from podlab.api.ingresses import CONTROLLER, class_of
from podlab.networking.v1.ingress_pb2 import HTTPIngressPath, Ingress, IngressBackend, IngressClass

ANY_HOST = "*"
# What the path of a request can hold (RFC 3986): all else comes percent-encoded.
_PATH = re.compile(r"[!-~]*")

Owner = tuple[str, str]
"""Namespace and name of an Ingress."""


@dataclass(frozen=True, order=True)
class ServicePort:
    """A Service's port, by name or by number, as an Ingress names it."""

    namespace: str
    service: str
    port: str

    @property
    def name(self) -> str:
        """One for HAProxy, which takes no slashes."""
        return ":".join((self.namespace, self.service, self.port))


@dataclass(frozen=True)
class Route:
    """`host` is a name, `*.` and a name, or ANY_HOST; `path` as the Ingress has it."""

    host: str
    path: str
    exact: bool
    backend: ServicePort
    owner: Owner

    @property
    def key(self) -> str:
        """What it is looked up by: `host/path`, and for prefixes all of it that must be there, with the last slash."""
        return f"{self.host}{self.path}" if self.exact else f"{self.host}{self.path.rstrip('/')}/"


@dataclass(frozen=True)
class Default:
    """Where requests for a host, or for any, go that no path is for."""

    host: str
    backend: ServicePort
    owner: Owner


@dataclass(frozen=True)
class CertificateClaim:
    """These hosts, or without any those that the certificate names, are shown the Secret's certificate."""

    namespace: str
    secret: str
    hosts: tuple[str, ...]
    owner: Owner
    field: str


@dataclass(frozen=True, order=True)
class Problem:
    """What of an Ingress is not served as it says, for an Event."""

    owner: Owner
    reason: str
    message: str


@dataclass(frozen=True)
class Claims:
    routes: tuple[Route, ...] = ()
    defaults: tuple[Default, ...] = ()
    certificates: tuple[CertificateClaim, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def backends(self) -> dict[ServicePort, Owner]:
        """All that requests may go to, each with the first Ingress that says so."""
        found: dict[ServicePort, Owner] = {}
        for route in self.routes:
            found.setdefault(route.backend, route.owner)
        for default in self.defaults:
            found.setdefault(default.backend, default.owner)
        return found


def ours(ingress: Ingress, classes: Iterable[IngressClass]) -> bool:
    """Whether its class, by field or in the old way by annotation, is one that this controller serves."""
    name = class_of(ingress)
    return bool(name) and any(each.metadata.name == name and each.spec.controller == CONTROLLER for each in classes)


def claims(ingresses: Iterable[Ingress]) -> Claims:
    """Of these Ingresses, which are all of our class."""
    collected = _Collected()
    by_age = sorted(ingresses, key=_age)
    for ingress in by_age:
        for index, rule in enumerate(ingress.spec.rules):
            host = rule.host or ANY_HOST
            for place, path in enumerate(rule.ingressRuleValue.http.paths):
                collected.path(ingress, host, path, f"spec.rules[{index}].http.paths[{place}]")
        for index, tls in enumerate(ingress.spec.tls):
            collected.certificate(ingress, tls.secretName, list(tls.hosts), f"spec.tls[{index}]")
    # One without rules is for all hosts; one with rules is for its own first, and for others where nobody else is.
    for ingress in sorted(by_age, key=lambda each: bool(each.spec.rules)):
        collected.default(ingress)
    return Claims(
        tuple(collected.routes.values()),
        tuple(collected.defaults.values()),
        tuple(collected.certificates),
        tuple(collected.problems),
    )


def _age(ingress: Ingress) -> tuple[int, str, str]:
    return ingress.metadata.creationTimestamp.seconds, *owner_of(ingress)


def owner_of(ingress: Ingress) -> Owner:
    return ingress.metadata.namespace, ingress.metadata.name


@dataclass
class _Collected:
    routes: dict[tuple[bool, str], Route] = field(default_factory=dict)
    defaults: dict[str, Default] = field(default_factory=dict)
    certificates: list[CertificateClaim] = field(default_factory=list)
    certified: dict[str, Owner] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def path(self, ingress: Ingress, host: str, path: HTTPIngressPath, where: str) -> None:
        owner = owner_of(ingress)
        if not _PATH.fullmatch(path.path):
            self._tell(
                owner, "BadPath", f"{where}.path: {path.path!r}: no request has it: percent-encode what it holds"
            )
            return
        backend = self._backend(ingress, path.backend, f"{where}.backend")
        if backend is None:
            return
        route = Route(host, path.path or "/", path.pathType == "Exact", backend, owner)
        first = self.routes.setdefault((route.exact, route.key), route)
        if first is not route:
            what = f"{where}: host {host}, path {route.path} ({'Exact' if route.exact else 'Prefix'})"
            self._tell(owner, "PathTaken", f"{what}: the older Ingress {'/'.join(first.owner)} has it")

    def default(self, ingress: Ingress) -> None:
        """Of those that no rule of theirs is for; a host without paths has all of its requests there."""
        if not ingress.spec.HasField("defaultBackend"):
            return
        owner = owner_of(ingress)
        backend = self._backend(ingress, ingress.spec.defaultBackend, "spec.defaultBackend")
        if backend is None:
            return
        for host in dict.fromkeys([*(rule.host or ANY_HOST for rule in ingress.spec.rules), ANY_HOST]):
            first = self.defaults.setdefault(host, Default(host, backend, owner))
            if first.owner != owner and not ingress.spec.rules:
                told = f"spec.defaultBackend: the older Ingress {'/'.join(first.owner)} is the default of all hosts"
                self._tell(owner, "DefaultTaken", told)

    def certificate(self, ingress: Ingress, secret: str, hosts: list[str], where: str) -> None:
        owner = owner_of(ingress)
        if not secret:  # as documented, the entry only says that the hosts are served by TLS
            return
        free = []
        for host in hosts:
            first = self.certified.setdefault(host, owner)
            if first == owner:
                free.append(host)
            else:
                told = f"{where}.hosts: {host}: the older Ingress {'/'.join(first)} has its certificate"
                self._tell(owner, "HostTaken", told)
        if free or not hosts:
            self.certificates.append(CertificateClaim(owner[0], secret, tuple(free), owner, where))

    def _backend(self, ingress: Ingress, backend: IngressBackend, where: str) -> ServicePort | None:
        owner = owner_of(ingress)
        if backend.HasField("resource"):
            found = f"{backend.resource.kind} {backend.resource.name}"
            self._tell(owner, "ResourceBackend", f"{where}.resource: {found}: only Services are served; left out")
            return None
        port = backend.service.port
        return ServicePort(owner[0], backend.service.name, port.name or str(port.number))

    def _tell(self, owner: Owner, reason: str, message: str) -> None:
        self.problems.append(Problem(owner, reason, message))


def by_specificity(routes: Iterable[Route]) -> Iterator[Route]:
    """In the order in which they are tried: hosts by name, wildcards, any; there the longest path, Exact first."""
    yield from sorted(
        routes,
        key=lambda each: (each.host == ANY_HOST, each.host.startswith("*"), each.host, -len(each.key), not each.exact),
    )
