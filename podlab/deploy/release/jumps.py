"""From which release to which one a cluster may go, and which ones may run side by side. Pure.

Kubernetes' rules: a step of one minor release at a time, nothing backwards, and kubelets that are no newer than the API
server. https://kubernetes.io/releases/version-skew-policy/. Podlab's own minor releases count as Kubernetes' do. A
kubelet may be one minor release older than its API server, where Kubernetes allows three: that is what is tested.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_SHOWN: Final = re.compile(r"v1\.(\d+)\.\d+\+podlab\.(\d+\.\d+\.\d+)(?:\.(\w+))?")


@dataclass(frozen=True)
class ReleaseVersion:
    """A release of Podlab: its version, Kubernetes' minor release whose API it serves, the state of the sources that
    it was made from, and the schema of the SQLite stores that it reads; 0: not known.
    """

    version: tuple[int, int, int]
    kubernetes: int
    build: str = ""
    store: int = 0

    @classmethod
    def parse(cls, told: Mapping[str, str]) -> ReleaseVersion | None:
        """Of what the probe read in its files; None where there are none. Raises ValueError."""
        if not told:
            return None
        return cls(_version(told["version"]), int(told["kubernetes"]), told.get("build", ""), int(told.get("store", 0)))

    @classmethod
    def shown(cls, text: str) -> ReleaseVersion | None:
        """Of what servers and kubelets call themselves; None where that is nothing of Podlab's."""
        match = _SHOWN.fullmatch(text)
        return cls(_version(match[2]), int(match[1]), match[3] or "") if match else None

    def __str__(self) -> str:
        """As servers and kubelets call themselves."""
        build = f".{self.build}" if self.build else ""
        return f"v1.{self.kubernetes}.0+podlab.{'.'.join(map(str, self.version))}{build}"


@dataclass(frozen=True)
class Refusal:
    """Why a step may not be made, and what to do."""

    cause: str
    remedy: str


def refusal(own: ReleaseVersion, there: ReleaseVersion, store_schema: int | None = None) -> Refusal | None:
    """Of the step from the release that a host runs to `own`; `store_schema` is that of its store, if it has one."""
    if store_schema is not None and own.store and store_schema > own.store:
        return Refusal(
            f"its store has schema {store_schema}, which release {there} wrote; {own} reads up to {own.store}",
            f"deploy with {there} or a newer release, or restore a backup that {own} made (docs/backup.md)",
        )
    podlab = _minors(there.version, own.version)
    kubernetes = own.kubernetes - there.kubernetes
    if podlab < 0 or kubernetes < 0:
        return Refusal(
            f"it runs {there}, and {own} is older: it may not read what the newer one has stored",
            f"deploy with {there} or a newer release, or restore a backup that {own} made (docs/backup.md)",
        )
    if podlab > 1 or kubernetes > 1:
        return Refusal(
            f"it runs {there}, from which {own} is more than one minor release away",
            f"upgrade to {_next(there, own)} first: one minor release after the other",
        )
    return None


def too_new(kubelet: ReleaseVersion, server: ReleaseVersion) -> Refusal | None:
    """A kubelet must not be of a newer minor release than its API server, nor more than one older."""
    podlab, kubernetes = _minors(server.version, kubelet.version), kubelet.kubernetes - server.kubernetes
    if podlab > 0 or kubernetes > 0:
        return Refusal(
            f"kubelets of {kubelet} would be newer than the API server, which runs {server}",
            "upgrade the masters first: leave --limit away, or name them in it, too",
        )
    if podlab < -1 or kubernetes < -1:
        return Refusal(
            f"kubelets of {kubelet} would be more than one minor release older than the API server, {server}",
            "upgrade them before the masters go on",
        )
    return None


def _version(text: str) -> tuple[int, int, int]:
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no version such as 0.1.0")
    return int(match[1]), int(match[2]), int(match[3])


def _minors(old: tuple[int, int, int], new: tuple[int, int, int]) -> int:
    """How many minor releases lie between; the first one of the next major release is one step from any before."""
    if new[0] == old[0]:
        return new[1] - old[1]
    if new[0] < old[0]:
        return -1
    return 1 if (new[0], new[1]) == (old[0] + 1, 0) else 2


def _next(there: ReleaseVersion, own: ReleaseVersion) -> str:
    """Which one to go to on the way."""
    if _minors(there.version, own.version) > 1:
        return f"a release {there.version[0]}.{there.version[1] + 1} of Podlab"
    return f"a release of Podlab with Kubernetes 1.{there.kubernetes + 1}"
