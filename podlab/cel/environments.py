"""Kubernetes' libraries, as its release 1.36 has them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from podlab.cel.compiler import Environment, LibrarySet
from podlab.cel.construction import Construction
from podlab.cel.libraries import (
    addresses,
    authorization,
    formats,
    jsonpatches,
    lists,
    quantities,
    semvers,
    standard,
    strings,
    urls,
)
from podlab.cel.types import DeclaredType

_BASE = (
    standard.LIBRARY,
    strings.LIBRARY,
    lists.LIBRARY,
    urls.LIBRARY,
    addresses.LIBRARY,
    quantities.LIBRARY,
    semvers.LIBRARY,
    formats.LIBRARY,
    authorization.LIBRARY,
)


@cache
def _base() -> LibrarySet:
    return LibrarySet(_BASE)


@cache
def _mutating() -> LibrarySet:
    return LibrarySet((*_BASE, jsonpatches.LIBRARY))


def base_environment(variables: Mapping[str, DeclaredType]) -> Environment:
    """Whatever expressions are about."""
    return Environment(variables, _base())


def mutating_environment(variables: Mapping[str, DeclaredType], made: Construction) -> Environment:
    """For one expression that makes objects."""
    return Environment(variables, _mutating(), made)
