"""Kubernetes' fields that are refused, or kept without effect, by kind. `make docs` writes docs/api.md.

All of it is read off the messages and off `podlab/api/serializer/unsupported.py`, by which the API server decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from podlab.api.kinds import Kind
from podlab.api.serializer.encoding import child_type, is_inline, is_map
from podlab.api.serializer.unsupported import LIMITED, UNSUPPORTED, WITHOUT_EFFECT
from podlab_testing import builtin_kinds
from podlab_testing.source_code import PROJECT

PAGE = PROJECT / "docs" / "api.md"
# Most workloads hold one: it is said once, of Pod.
_TEMPLATE = "podlab.core.v1.PodTemplateSpec"
HEAD = """# Fields of Kubernetes' API

<!-- `make docs` writes this from the messages in protos/ and from podlab/api/serializer/unsupported.py. -->

Podlab has the stable API of Kubernetes 1.36. Whatever a kind has there works here, except for the fields below:

- **refused** is answered with 400, the field's path and *not supported by Podlab: remove the field*, unless it says
  nothing (`null`, `false`, `0`, `""`, `[]`, `{}`). What Kubernetes does not have, either, is an *unknown field*.
- **only** names the values that are taken.
- **no effect** is checked, stored and shown, but changes nothing on these hosts.

`[]` is each item of a list. [kubectl.md](kubectl.md) lists the kinds that are stored without anybody who acts on them.
"""


@dataclass
class Findings:
    """Of one message: where it stands in the kind, and what of it is special."""

    message: Descriptor
    places: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Where, how it is answered, and which fields."""
        where = ", ".join(f"`{place}`" if place else "the object" for place in self.places)
        name = self.message.full_name
        if name == _TEMPLATE:
            yield where, "as Pod", "`metadata`, `spec`"
        if refused := UNSUPPORTED.get(name):
            yield where, "refused", _names(refused)
        for limited, values in sorted(LIMITED.get(name, {}).items()):
            yield where, "only", f"`{limited}`: " + ", ".join(_value(value) for value in values)
        if kept := WITHOUT_EFFECT.get(name):
            yield where, "no effect", _names(kept)


def page() -> str:
    """The whole document."""
    kinds = sorted(_kinds(), key=lambda kind: (kind.name, kind.group))
    found = {kind: list(_rows(kind)) for kind in kinds}
    whole = ", ".join(_title(kind) for kind in kinds if not found[kind])
    parts = [HEAD, f"Nothing is missing of: {whole}.\n"]
    for kind in kinds:
        if found[kind]:
            table = "\n".join(f"| {' | '.join(row)} |" for row in found[kind])
            parts.append(f"## {_title(kind)}\n\n| where | how | fields |\n| --- | --- | --- |\n{table}\n")
    return "\n".join(parts)


def _kinds() -> Iterator[Kind]:
    """Of each the version that is stored, of which the others are made."""
    for kind in builtin_kinds.CATALOG.kinds:
        if builtin_kinds.of(kind).kind is kind:
            yield kind


def _rows(kind: Kind) -> Iterator[tuple[str, str, str]]:
    found: dict[str, Findings] = {}
    _walk(cast(Descriptor, kind.message.DESCRIPTOR), "", (), found)
    told: dict[tuple[str, str], str] = {}
    for one in found.values():
        for where, how, fields in one.rows():
            if where not in told.get((how, fields), ""):
                told[how, fields] = where
                yield where, how, fields


def _walk(message: Descriptor, place: str, above: tuple[str, ...], found: dict[str, Findings]) -> None:
    """Collects what is special at the place and below it; no message below one of its own type."""
    name = message.full_name
    if name in above:
        return
    if _is_special(name):
        found.setdefault(name, Findings(message)).places.append(place)
    if name == _TEMPLATE:
        return
    for each in message.fields:
        below = _message_of(each)
        if below is not None:
            _walk(below, place if is_inline(each) else _step(place, each), (*above, name), found)


def _is_special(name: str) -> bool:
    return name == _TEMPLATE or name in UNSUPPORTED or name in LIMITED or name in WITHOUT_EFFECT


def _message_of(each: FieldDescriptor) -> Descriptor | None:
    if is_map(each):
        return child_type(each).fields_by_name["value"].message_type
    return each.message_type


def _step(place: str, each: FieldDescriptor) -> str:
    return f"{place}.{each.json_name}".removeprefix(".") + ("[]" if each.is_repeated else "")


def _names(fields: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(fields))


def _value(value: str | bool) -> str:
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`" if value else "nothing"


def _title(kind: Kind) -> str:
    return f"{kind.name} ({kind.api_version})"


if __name__ == "__main__":
    PAGE.write_text(page())
