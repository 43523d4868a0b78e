"""A field that is declared is a field that works."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor
from podlab_testing.source_code import PROJECT, modules, tree

from podlab.api.serializer.unsupported import LIMITED, WITHOUT_EFFECT

# Told by the API and never other than empty, as in Kubernetes.
ALWAYS_EMPTY = frozenset({"podlab.core.v1.PodCondition.lastProbeTime"})
# Its fields are the kinds, which have a test of their own.
ENVELOPE = "podlab.v1.Object"
WORD = re.compile(r"\w+")
# Kinds that are kept for programs that are not Podlab's: their fields are stored, checked, and given to whoever asks.
KEPT_FOR_OTHERS = (
    "podlab.storage.v1.",
    "podlab.node.v1.",
    "podlab.resource.v1.",
    "podlab.flowcontrol.v1.",
    "podlab.networking.v1.",
)
# Handed on as JSON: its fields are known by the names that they have there.
AS_JSON = "podlab.apiextensions.v1."
# They name fields without giving them a meaning.
ONLY_NAMES = frozenset({"podlab.api.serializer.unsupported"})


def messages() -> Iterator[Descriptor]:
    """All of the API's and the services' messages; those of other people's protocols are as large as they are."""
    for path in sorted((PROJECT / "protos/podlab").rglob("*.proto")):
        if "foreign" not in path.parts:
            name = ".".join(path.relative_to(PROJECT / "protos").with_suffix("").parts)
            found = importlib.import_module(f"{name}_pb2").DESCRIPTOR.message_types_by_name.values()
            yield from (each for each in found if each.full_name != ENVELOPE and not each.full_name.startswith(AS_JSON))


def words_of(module: str) -> Iterator[str]:
    """Names of attributes and arguments, and words in texts that are not documentation."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
            yield from WORD.findall(node.value)


@pytest.fixture(scope="module")
def words() -> frozenset[str]:
    return frozenset(word for module in modules() if module not in ONLY_NAMES for word in words_of(module))


@pytest.mark.parametrize("message", [*messages()], ids=lambda message: message.full_name)
def test_the_code_knows_every_field_that_is_declared(message: Descriptor, words: frozenset[str]) -> None:
    if message.full_name.startswith(KEPT_FOR_OTHERS):
        return
    kept = {*WITHOUT_EFFECT.get(message.full_name, ()), *LIMITED.get(message.full_name, ())}
    unknown = {field.full_name for field in message.fields if field.name not in words | kept}
    assert unknown <= ALWAYS_EMPTY, (
        "implement them, or take them out and name them in podlab/api/serializer/unsupported.py"
    )
