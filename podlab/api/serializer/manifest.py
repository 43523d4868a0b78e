"""YAML text to and from plain data, the way Kubernetes' tools understand YAML.

Differs from PyYAML's own reading: dates and 12:30 are strings, 1e3 is a number, a key given twice is an error, and
keys are always strings, as in JSON.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from podlab.errors import BadRequest

_TAG = "tag:yaml.org,2002:"
# What is nested deeper would overflow the stack of PyYAML's C code, which nobody catches.
MOST_LEVELS = 200
# What aliases add, once each stands for what it means: a short text could stand for more than fits into any memory.
MOST_ALIASED = 100_000
_MOST_DIGITS = 1000  # base 2 included; Python reads no more than 4,300


@dataclass(frozen=True)
class Document:
    """One object's data, and where it stood, for messages."""

    data: Any
    line: int

    @property
    def title(self) -> str:
        """Deployment "web" (line 12), as far as the data tells."""
        place = f"line {self.line}"
        if not isinstance(self.data, dict):
            return place
        metadata = self.data.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        named = f' "{name}"' if name else ""
        return f"{self.data['kind']}{named} ({place})" if isinstance(self.data.get("kind"), str) else place


def read(text: str, repeated: list[str] | None = None) -> list[Document]:
    """Every document that is not empty; those of kind List stand for their items.

    BadRequest, with line and column, for what is not YAML. A key that is given twice is such, unless `repeated` is
    there to be told, in the words of Kubernetes' reader: then the last one counts.
    """
    try:
        _check_shape(text)
        return list(_documents(text, repeated))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadRequest(f"malformed YAML{place}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise BadRequest(f"malformed YAML: {error}") from error


def write(documents: Iterable[object]) -> str:
    """One YAML text; several documents are separated by `---`."""
    return "---\n".join(
        yaml.dump(document, Dumper=_Dumper, sort_keys=True, default_flow_style=False, allow_unicode=True, width=10**6)
        for document in documents
    )


def _check_shape(text: str) -> None:
    """Raises YAMLError for what is nested too deeply, or grows too large by its aliases. Looks at events alone."""
    anchored: dict[str | None, int] = {}  # how many nodes an anchor stands for
    within: list[tuple[str | None, int]] = [(None, 0)]  # the anchors and sizes of what has begun
    aliased = 0
    for event in yaml.parse(text, Loader=_Loader):
        anchor, size = None, 1
        match event:
            case yaml.DocumentStartEvent():
                anchored.clear()
                continue
            case yaml.CollectionStartEvent():
                within.append((event.anchor, 1))
                if len(within) > MOST_LEVELS:
                    raise _refused(event, f"nested deeper than {MOST_LEVELS} levels")
                continue
            case yaml.CollectionEndEvent():
                anchor, size = within.pop()
            case yaml.ScalarEvent():
                anchor = event.anchor
            case yaml.AliasEvent():
                if any(event.anchor == outer for outer, _ in within):
                    raise _refused(event, "the alias is part of what it stands for")
                size = anchored.get(event.anchor, 1)
                aliased += size
                if aliased > MOST_ALIASED:
                    raise _refused(event, "aliases stand for too much")
            case _:
                continue
        anchored[anchor] = size
        within[-1] = within[-1][0], within[-1][1] + size


def _refused(at: yaml.Event, why: str) -> yaml.MarkedYAMLError:
    mark: Any = at.start_mark
    return yaml.MarkedYAMLError(None, None, why, mark)


def _documents(text: str, repeated: list[str] | None) -> Iterator[Document]:
    loader = _Loader(text)
    loader.repeated = repeated
    try:
        while loader.check_node():
            node = loader.get_node()
            data = loader.construct_document(node) if node else None
            if node and data is not None:
                yield from _flattened(data, node)
    finally:
        loader.dispose()


def _flattened(data: Any, node: yaml.Node) -> Iterator[Document]:
    """The items of a List, or the document itself."""
    if isinstance(data, dict) and data.get("kind") == "List" and isinstance(data.get("items"), list):
        items = _value_node(node, "items")
        for item, item_node in zip(data["items"], items.value, strict=True):
            yield from _flattened(item, item_node)
        return
    yield Document(data, node.start_mark.line + 1)


def _value_node(node: yaml.Node, key: str) -> yaml.Node:
    found: yaml.Node = next(value for name, value in node.value if name.value == key)
    return found


class _Loader(yaml.CSafeLoader):
    """Its table of implicit types is filled below."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012  # PyYAML copies it on the first change
    repeated: list[str] | None = None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a scalar", key.start_mark)
            if key.value in seen and key.tag != f"{_TAG}merge":
                self._tell_repeated(key)
            seen.add(key.value)
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}

    def _tell_repeated(self, key: yaml.ScalarNode) -> None:
        mark: Any = key.start_mark
        if self.repeated is None:
            raise yaml.constructor.ConstructorError(None, None, f'key "{key.value}" is given twice', mark)
        self.repeated.append(f'line {mark.line + 1}: key "{key.value}" already set in map')

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        digits = node.value.replace("_", "")
        if len(digits) > _MOST_DIGITS:
            raise yaml.constructor.ConstructorError(None, None, "the number is too long", node.start_mark)
        if re.fullmatch(r"[+-]?0[0-7]+", digits):
            digits = digits.replace("0", "0o", 1)
        return int(digits, 0)

    def construct_number(self, node: yaml.ScalarNode) -> float:
        return float(node.value.replace("_", ""))


class _Dumper(yaml.CSafeDumper):
    """Writes every string in quotes that some YAML reader would take for something else, and lines as lines."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = "|" if "\n" in text else None
        read_as = self.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # PyYAML's stubs
        if style is None and read_as != f"{_TAG}str":
            style = '"'
        return self.represent_scalar(f"{_TAG}str", text, style=style)


for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF", "tTfFyYnNoO"),
    ("int", r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", "<<", "<"),
):
    # PyYAML looks a pattern up by the first character of the text, "" for an empty one.
    _firsts = [char.removeprefix("\0") for char in _first]
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(rf"^(?:{_pattern})$"), _firsts)
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_integer)
_Loader.add_constructor(f"{_TAG}float", _Loader.construct_number)
# Plain 1e3 and 0o17 are numbers to Kubernetes' reader, though not to PyYAML's.
_NUMBERS = re.compile(r"^[-+]?(0o[0-7_]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)$")
_Dumper.add_implicit_resolver(f"{_TAG}float", _NUMBERS, list("-+.0123456789"))
_Dumper.add_representer(str, _Dumper.represent_text)
