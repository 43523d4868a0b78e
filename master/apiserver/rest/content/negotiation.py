"""Content negotiation: which form of an answer a client asks for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from podlab.errors import NotAcceptable

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
_ANY_OF_THEM = ("*/*", "application/*")
_REMEMBERED_CHARS = 1024
_DISCOVERY = {"as": "APIGroupDiscoveryList", "g": "apidiscovery.k8s.io"}


class Representation(Enum):
    """How an answer about objects looks. The value is what clients ask for it by."""

    OBJECT = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"


OF_OBJECT = frozenset({Representation.OBJECT, Representation.TABLE, Representation.METADATA})
OF_LIST = frozenset({Representation.OBJECT, Representation.TABLE, Representation.METADATA_LIST})
PLAIN = frozenset({Representation.OBJECT})
OF_SCALE = frozenset({Representation.OBJECT, Representation.TABLE})


@dataclass(frozen=True, slots=True)
class Accepted:
    """How an answer is written. What is to be YAML is JSON until it is sent."""

    form: Representation
    media_type: str = JSON


def accepted(
    header: str,
    known: Collection[Representation] = OF_OBJECT,
    *,
    streamed: bool = False,
    protobuf: bool = True,
) -> Accepted:
    """The first form that the client takes and that is known there. What is streamed is no YAML, and a table is no
    protobuf. Raises NotAcceptable.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
    """
    written = (JSON, *(() if streamed else (YAML,)), *((PROTOBUF,) if protobuf else ()), *_ANY_OF_THEM)
    for media_type, parameters in _offers(header):
        wanted = next((one for one in known if one.value == parameters.get("as", "")), None)
        of_meta = (parameters.get("g"), parameters.get("v")) == ("meta.k8s.io", "v1")
        if media_type not in written or wanted is None or not (wanted is Representation.OBJECT or of_meta):
            continue
        if media_type != PROTOBUF:
            return Accepted(wanted)
        if wanted is not Representation.TABLE:
            return Accepted(wanted, PROTOBUF)
    taken = [media_type for media_type in written if media_type not in _ANY_OF_THEM]
    taken += sorted(f"{JSON};as={one.value};v=v1;g=meta.k8s.io" for one in known if one is not Representation.OBJECT)
    raise NotAcceptable(f"only the following media types are accepted: {', '.join(taken)}")


def prefers_yaml(header: str) -> bool:
    """Whether the client would rather read YAML than JSON."""
    if "yaml" not in header.lower():
        return False
    offered = (media_type for media_type, _ in _offers(header) if media_type in (JSON, YAML, *_ANY_OF_THEM))
    return next(offered, JSON) == YAML


def prefers_protobuf(header: str) -> bool:
    """Whether the client would rather read protobuf than JSON or YAML."""
    if "protobuf" not in header.lower():
        return False
    known = (JSON, YAML, PROTOBUF, *_ANY_OF_THEM)
    plain = (media_type for media_type, parameters in _offers(header) if not parameters.get("as"))
    return next((media_type for media_type in plain if media_type in known), JSON) == PROTOBUF


def aggregated_discovery(header: str) -> str:
    """The version of apidiscovery.k8s.io that the client asks for before anything plain; empty for none."""
    for media_type, parameters in _offers(header):
        version = parameters.get("v", "")
        others = {name: value for name, value in parameters.items() if name != "v"}
        if media_type == JSON and others == _DISCOVERY and version in ("v2", "v2beta1"):
            return version
        if media_type in (JSON, *_ANY_OF_THEM) and not others:
            return ""
    return ""


def media_types(header: str) -> list[str]:
    """Without their parameters, in the order that the client prefers."""
    return [media_type for media_type, _ in _offers(header)]


def _offers(header: str) -> Sequence[tuple[str, Mapping[str, str]]]:
    """In the order that the client prefers. A client says the same each time."""
    return _parsed(header) if len(header) > _REMEMBERED_CHARS else _remembered(header)


@lru_cache(maxsize=256)
def _remembered(header: str) -> Sequence[tuple[str, Mapping[str, str]]]:
    return _parsed(header)


def _parsed(header: str) -> Sequence[tuple[str, Mapping[str, str]]]:
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
