"""Which standard holds in a namespace, as its labels say it, or else the server's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from master.apiserver.admission.rules.podsecurity.check import SecurityLevel
from podlab.errors import Cause
from podlab.kinds.validation.findings import Findings

LABELS = "pod-security.kubernetes.io/"
_LEVELS = {str(level): level for level in SecurityLevel}
_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)")
LATEST = None


@dataclass(frozen=True, slots=True)
class Standard:
    """A level, in the version 1.`minor`, or in the latest."""

    level: SecurityLevel = SecurityLevel.PRIVILEGED
    minor: int | None = LATEST

    def __str__(self) -> str:
        return f"{self.level}:{'latest' if self.minor is None else f'v1.{self.minor}'}"


@dataclass(frozen=True, slots=True)
class NamespacePolicy:
    """What is refused, what is told to the audit log, and what writers are warned of."""

    enforce: Standard = Standard()
    audit: Standard = Standard()
    warn: Standard = Standard()

    @property
    def is_privileged(self) -> bool:
        """Whether anything goes, and nobody is told."""
        return not self.enforce.level and self.is_silent

    @property
    def is_silent(self) -> bool:
        """Whether nobody is told of anything."""
        return not self.audit.level and not self.warn.level


@dataclass(frozen=True, slots=True)
class Configuration:
    """What holds where labels say nothing, and who is exempt."""

    defaults: NamespacePolicy = NamespacePolicy()
    users: frozenset[str] = frozenset()
    runtime_classes: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Labelled:
    """A policy that labels make, and what is wrong with these: it is a valid one all the same."""

    policy: NamespacePolicy
    causes: tuple[Cause, ...] = field(default=())


def of_labels(labels: Mapping[str, str], defaults: NamespacePolicy) -> Labelled:
    """What a level that there is not means: the strictest for what is enforced, the least for all else."""
    found = Findings()
    enforce = _standard(labels, "enforce", defaults.enforce, SecurityLevel.RESTRICTED, found)
    audit = _standard(labels, "audit", defaults.audit, SecurityLevel.PRIVILEGED, found)
    warn = _standard(labels, "warn", defaults.warn, SecurityLevel.PRIVILEGED, found)
    return Labelled(NamespacePolicy(enforce, audit, warn), found.causes)


def _standard(
    labels: Mapping[str, str], mode: str, default: Standard, otherwise: SecurityLevel, found: Findings
) -> Standard:
    level, minor = default.level, default.minor
    key = f"{LABELS}{mode}"
    if key in labels:
        text = labels[key]
        level = _LEVELS.get(text, otherwise)
        if text not in _LEVELS:
            found.invalid(f"metadata.labels[{key}]", text, f"must be one of {', '.join(_LEVELS)}")
    key = f"{LABELS}{mode}-version"
    if key in labels:
        minor = parsed_version(text := labels[key])
        if minor is LATEST and text != "latest":
            found.invalid(f"metadata.labels[{key}]", text, 'must be "latest" or "v1.x"')
    return Standard(level, minor)


def parsed_version(text: str) -> int | None:
    """The minor version in `v1.36`; that of everything else is the latest."""
    matched = _VERSION.fullmatch(text)
    return int(matched.group(1)) if matched is not None else LATEST


def of_words(**words: str) -> NamespacePolicy:
    """A policy of the levels `enforce`, `audit` and `warn` and their versions, `enforce_version` and so on. Raises
    ValueError."""
    labels = {f"{LABELS}{name.replace('_', '-')}": value for name, value in words.items()}
    made = of_labels(labels, NamespacePolicy())
    if made.causes:
        raise ValueError("; ".join(str(cause) for cause in made.causes))
    return made.policy
