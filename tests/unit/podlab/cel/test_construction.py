from __future__ import annotations

import pytest

from podlab.cel import construction
from podlab.cel.admission.results import misnamed, plain
from podlab.cel.environments import mutating_environment
from podlab.cel.frame import Budget
from podlab.cel.types import DYN
from podlab.cel.values import CompileError

OBJECT = {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}


def made(expression: str) -> tuple[str, object]:
    """Its type, and what it makes."""
    read = construction.read(expression)
    program = mutating_environment({"object": DYN}, read).compile(read.source)
    return program.result_type, plain(program.evaluate({"object": OBJECT}, Budget()))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Object{}", {}),
        ("Object{spec: Object.spec{replicas: 1 + 1}}", {"spec": {"replicas": 2}}),
        ("Object{s: object.spec.containers.map(c, Object.s{name: c.name})}", {"s": [{"name": "a"}, {"name": "b"}]}),
        ("Object{?spec: object[?'none']}", {}),
        ("Object{?spec: optional.of(Object.spec{x: true})}", {"spec": {"x": True}}),
        ("has(object.spec) ? Object{a: [1, 2]} : Object{}", {"a": [1, 2]}),
        ("Object{a: 'Object.b{c: 1}', d: \"O{\" + r'\\d'} // Object.e{", {"a": "Object.b{c: 1}", "d": "O{\\d"}),
        ("Object{a: Object{a: 1}.a}", {"a": 1}),
        ("Object{metadata: Object.metadata{labels: {'a/b': 'c'}}}", {"metadata": {"labels": {"a/b": "c"}}}),
        ("Object{a: b'hi', at: timestamp('2026-01-02T03:04:05Z'), for: duration('90s')}", None),
    ],
)  # fmt: skip
def test_an_expression_makes_an_object(expression: str, expected: object) -> None:
    if expected is None:
        expected = {"a": "aGk=", "at": "2026-01-02T03:04:05Z", "for": "90s"}
    assert made(expression) == ("Object", expected)


def test_an_expression_makes_a_patch() -> None:
    patch = "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b~c'), value: Object.x{y: 1}}]"
    expected = [{"op": "add", "path": "/metadata/labels/a~1b~0c", "value": {"y": 1}}]
    assert made(patch) == ("LIST<JSONPatch>", expected)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("Object{spec: Foo{}}", "1:14: undeclared reference to 'Foo'"),
        ("JSONPatch{op: 1}", "1:13: expected type of field 'op' is 'string' but provided type is 'int'"),
        ("JSONPatch{operation: 'add'}", "1:20: undefined field 'operation'"),
        (
            "Object.a.b{} == Object.a_b{}",
            "applied to '(Object.a.b, Object.a_b)'\n | Object.a.b{} == Object.a_b{}",
        ),
    ],
)
def test_what_cannot_be_made_is_told_in_the_words_of_the_expression(expression: str, told: str) -> None:
    with pytest.raises(CompileError) as refused:
        made(expression)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("Object{spec: Object.spec{a: [Object.spec.a{}]}}", []),
        ("Object{spec: Object.status{}}", [("Object.status", "Object.spec")]),
        ("Object{spec: Object{}}", [("Object", "Object.spec")]),
        ("Object{a: {'b': Object.a{c: Object.d{}}}}", [("Object.d", "Object.a.c")]),
    ],
)
def test_objects_are_called_after_their_fields(expression: str, wrong: list[tuple[str, str]]) -> None:
    read = construction.read(expression)
    value = mutating_environment({}, read).compile(read.source).evaluate({}, Budget())
    which = "which matches field name path from root Object type"
    assert misnamed(value) == [f'unexpected type name "{one}", expected "{other}", {which}' for one, other in wrong]
