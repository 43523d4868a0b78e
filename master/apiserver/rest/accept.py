"""Content negotiation: which form of an answer a client asks for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from podlab.errors import NotAcceptable

JSON = "application/json"
_DISCOVERY = {"as": "APIGroupDiscoveryList", "g": "apidiscovery.k8s.io"}
_TABLE = {"as": "Table", "g": "meta.k8s.io", "v": "v1"}


class Form(Enum):
    """How an answer about objects looks."""

    OBJECT = "object"
    TABLE = "table"


def form(header: str) -> Form:
    """The first form that the client takes and we have. Raises NotAcceptable."""
    for media_type, parameters in _offers(header):
        if media_type == JSON and parameters == _TABLE:
            return Form.TABLE
        if media_type in (JSON, "*/*", "application/*") and "as" not in parameters:
            return Form.OBJECT
    raise NotAcceptable(f"only the following media types are accepted: {JSON}, {JSON};as=Table;v=v1;g=meta.k8s.io")


def aggregated_discovery(header: str) -> str:
    """The version of apidiscovery.k8s.io that the client asks for before anything plain; empty for none."""
    for media_type, parameters in _offers(header):
        version = parameters.pop("v", "")
        if media_type == JSON and parameters == _DISCOVERY and version in ("v2", "v2beta1"):
            return version
        if media_type in (JSON, "*/*", "application/*") and not parameters:
            return ""
    return ""


def media_types(header: str) -> list[str]:
    """Without their parameters, in the order that the client prefers."""
    return [media_type for media_type, _ in _offers(header)]


def _offers(header: str) -> Sequence[tuple[str, dict[str, str]]]:
    """In the order that the client prefers."""
    offers: list[tuple[float, str, dict[str, str]]] = []
    for part in (header or JSON).split(","):
        media_type, *rest = (piece.strip() for piece in part.split(";"))
        parameters = dict(piece.split("=", 1) for piece in rest if "=" in piece)
        offers.append((_quality(parameters.pop("q", "1")), media_type.lower(), _known(parameters)))
    return [(media_type, parameters) for _, media_type, parameters in sorted(offers, key=lambda offer: -offer[0])]


def _known(parameters: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name in ("as", "g", "v")}


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
