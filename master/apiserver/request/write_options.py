"""What a request that writes says beside the object: CreateOptions, UpdateOptions and PatchOptions. Pure.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from master.apiserver.request.query import DRY_RUN_ALL, Query
from podlab.errors import Invalid
from podlab.kinds.validation.findings import Findings

MANAGER_BYTES = 128
_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}


class FieldValidation(StrEnum):
    """What becomes of a field that the kind does not have."""

    STRICT = "Strict"
    WARN = "Warn"
    IGNORE = "Ignore"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Those of one request."""

    dry_run: bool = False
    """Whether nothing is to be stored."""
    manager: str = ""
    """The field manager that it names; empty for none."""
    validation: FieldValidation = FieldValidation.WARN
    force: bool = False
    """Whether an applied configuration takes fields from others who manage them."""


def read(query: Query, method: str, *, applies: bool = False) -> WriteOptions:
    """The options in the URL of such a request, which may apply a configuration. Raises Invalid with all that is wrong
    with them."""
    manager, stage, validation = query.text("fieldManager"), query.text("dryRun"), query.text("fieldValidation")
    found = Findings()
    if applies and not manager:
        found.required("fieldManager", "is required for apply patch")
    if method == "PATCH" and not applies and query.text("force"):
        found.forbidden("force", "may not be specified for non-apply patch")
    _check_manager(found, "fieldManager", manager)
    if stage and stage != DRY_RUN_ALL:
        found.unsupported("dryRun", stage, (DRY_RUN_ALL,))
    if validation and validation not in tuple(FieldValidation):
        found.unsupported("fieldValidation", validation, tuple(FieldValidation))
    if found.causes:
        raise Invalid.of(f"{_OPTIONS[method]}.meta.k8s.io", "", found.causes)
    force = applies and query.flag("force")
    return WriteOptions(bool(stage), manager, FieldValidation(validation or FieldValidation.WARN), force)


def checked_manager(manager: str, *, applies: bool = False, force: bool = False) -> str:
    """The field manager that a gRPC request names, which may apply a configuration. Raises Invalid."""
    if not manager and not applies and not force:
        return manager
    found = Findings()
    if applies and not manager:
        found.required("field_manager", "is required for apply patch")
    if force and not applies:
        found.forbidden("force", "may not be specified for non-apply patch")
    _check_manager(found, "field_manager", manager)
    if found.causes:
        raise Invalid.of("Options.meta.k8s.io", "", found.causes)
    return manager


@lru_cache(maxsize=1024)
def manager_of(user_agent: str) -> str:
    """Whom a program's writes are put down to that names no field manager: what its user agent calls it."""
    name = "".join(filter(str.isprintable, user_agent.partition("/")[0]))
    return name.encode()[:MANAGER_BYTES].decode(errors="ignore")


def _check_manager(found: Findings, field: str, manager: str) -> None:
    if len(manager.encode()) > MANAGER_BYTES:
        found.too_long(field, MANAGER_BYTES)
    for position, character in _unprintable(manager):
        found.invalid(field, manager, f"invalid character U+{ord(character):04X} (at position {position})")


def _unprintable(text: str) -> Iterator[tuple[int, str]]:
    """Each such character, and how many bytes of UTF-8 stand before it."""
    if not text.isprintable():
        for index, character in enumerate(text):
            if not character.isprintable():
                yield len(text[:index].encode()), character
