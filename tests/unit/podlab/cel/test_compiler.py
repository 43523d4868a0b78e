from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.expressions import environment

from podlab.cel.environments import base_environment
from podlab.cel.frame import Budget
from podlab.cel.types import BOOL, BYTES, DURATION, DYN, INT, STRING, TIMESTAMP, DeclaredType, ListOf, MapOf, ObjectOf
from podlab.cel.values import CompileError, CostLimitExceeded, EvaluationError

SPEC = ObjectOf(
    "Spec",
    {
        "replicas": INT,
        "name": STRING,
        "__namespace__": STRING,
        "items": ListOf(ObjectOf("Item", {"on": BOOL})),
        "labels": MapOf(STRING),
        "nested": MapOf(ListOf(INT)),
        "table": ListOf(ListOf(STRING)),
        "at": TIMESTAMP,
        "every": DURATION,
        "data": BYTES,
        "port": DYN,
    },
)
TYPED = base_environment({"self": SPEC})

WRONG = [
    ("self.replicas == 'a'", "1:15: found no matching overload for '_==_' applied to '(int, string)'"),
    ("self.missing == 1", "1:5: undefined field 'missing'"),
    ("other", "1:1: undeclared reference to 'other' (in container '')"),
    (
        "true && other.b.c == 1",
        "1:9: undeclared reference to 'other' (in container '')\n | true && other.b.c == 1\n | ........^",
    ),
    ("self.replicas.all(x, x)", "1:5: expression of type 'int' cannot be the range of a comprehension"),
    ("self.items.all(x, x.off)", "1:20: undefined field 'off'"),
    ("self.labels['a'] > 1", "1:18: found no matching overload for '_>_' applied to '(string, int)'"),
    ("self.name.unknown()", "1:18: undeclared reference to 'unknown' (in container '')"),
    ("self.at + 1", "1:9: found no matching overload for '_+_' applied to '(timestamp, int)'"),
    ("1 +", "1:4: Syntax error: mismatched input '<EOF>'"),
    ("self.\n replicas == true", "2:11: found no matching overload"),
    ("", "1:1: Syntax error"),
    (
        "has(self.name) &&\n self.name.matches('[')",
        "2:20: invalid matches argument\n |  self.name.matches('[')\n | ...................^",
    ),
    ("self.items.all(x, self.every > duration('1 day'))", "1:41: invalid duration argument"),
    ("timestamp('today') > self.at", "1:11: invalid timestamp argument"),
    ("ip('1.2.3.4').port", "1:14: undefined field 'port'"),
    ("net.IP{}", "1:1: undeclared reference to 'net.IP'"),
]
RIGHT = [
    "self.replicas > 1",
    "self.__namespace__ == 'a'",
    "self.items.all(x, x.on)",
    "self.labels.all(k, v, k != v)",
    "self.nested['a'][0] == 1",
    "self.table[0][0] == 'a'",
    "self.at < timestamp('2024-01-01T00:00:00Z')",
    "self.every > duration('1s')",
    "self.data == b'a'",
    "self.port == 80 || self.port == 'http'",
    "self.?name.orValue('x') == 'x'",
    "has(self.name)",
]


@pytest.mark.parametrize(("expression", "message"), WRONG)
def test_what_is_wrong_is_said_with_its_place(expression: str, message: str) -> None:
    with pytest.raises(CompileError) as refused:
        TYPED.compile(expression)
    assert str(refused.value).startswith(f"ERROR: <input>:{message}")


@pytest.mark.parametrize("expression", RIGHT)
def test_what_fits_the_declared_types_compiles(expression: str) -> None:
    assert TYPED.compile(expression).result_type == "BOOL"


def test_a_program_says_which_variables_it_reads() -> None:
    assert environment().compile("[1].all(x, x == self)").variables == {"self"}


def test_what_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(CompileError):
        environment().compile("(" * 500 + "1" + ")" * 500)


PARTS = st.sampled_from(
    ["self", "self.a", "1", "'a'", "[1, 2]", "{'a': 1}", "null", "true", "1.5", "2u", "x", "b'a'", "optional.of(1)"]
)
EXPRESSIONS = st.recursive(
    PARTS,
    lambda inner: st.one_of(
        st.builds(
            "({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "==", "<", "&&", "||", "in"]), inner
        ),
        st.builds("dyn({}).{}(x, {})".format, inner, st.sampled_from(["all", "exists", "map", "filter"]), inner),
        st.builds("dyn({})[{}]".format, inner, inner),
        st.builds("dyn({}).{}()".format, inner, st.sampled_from(["size", "sum", "min", "isSorted", "trim", "first"])),
        st.builds("{}({})".format, st.sampled_from(["int", "string", "double", "type", "timestamp"]), inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS, st.sampled_from([None, 1, "a", [1, "b"], {"a": [1]}, {"a": "x"}]))
def test_an_expression_has_a_value_or_a_reason_why_not(expression: str, value: object) -> None:
    try:
        environment().compile(expression).evaluate({"self": value}, Budget())
    except (CompileError, EvaluationError, CostLimitExceeded) as e:
        assert str(e)  # noqa: PT017  # which of them is free, and it may be none


ALIKE = st.text("aB_", min_size=1, max_size=4).filter(lambda name: "__" not in name)
"""Names that protobuf takes for each other: a_b, aB and A_b are one in its JSON, and are all called ABEntry as maps."""
NAMES = st.one_of(ALIKE, ALIKE.map("{}Entry".format), st.sampled_from(["Entry", "descriptor", "class"]))
TYPES = st.sampled_from([STRING, INT, DYN, TIMESTAMP, ListOf(STRING), MapOf(STRING), MapOf(ObjectOf("In", {"a": INT}))])


@given(st.dictionaries(NAMES, TYPES, min_size=2, max_size=12))
def test_any_names_may_be_those_of_an_objects_fields(fields: dict[str, DeclaredType]) -> None:
    declared = base_environment({"self": ObjectOf("Any", fields)})
    for name in fields:
        program = declared.compile(f"has(self.{name})")
        assert program.evaluate({"self": {name: {}}}, Budget()) is not False
