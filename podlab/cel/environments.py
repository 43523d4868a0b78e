"""Kubernetes' libraries, as its release 1.36 has them."""

from __future__ import annotations

from collections.abc import Mapping

from podlab.cel.compiler import Environment
from podlab.cel.libraries import addresses, formats, lists, quantities, semvers, standard, strings, urls
from podlab.cel.types import DeclaredType

BASE = (
    standard.LIBRARY,
    strings.LIBRARY,
    lists.LIBRARY,
    urls.LIBRARY,
    addresses.LIBRARY,
    quantities.LIBRARY,
    semvers.LIBRARY,
    formats.LIBRARY,
)
PER_CALL_LIMIT = 1_000_000
"""What one evaluation may cost."""
BUDGET = 10_000_000
"""What all evaluations for one object, or for one policy and binding, may cost."""


def base_environment(variables: Mapping[str, DeclaredType]) -> Environment:
    """Whatever expressions are about."""
    return Environment(variables, BASE)
