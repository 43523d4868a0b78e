from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.cel.environments import base_environment
from podlab.cel.estimation.sizes import Sized
from podlab.cel.types import DYN, STRING, ListOf, MapOf, ObjectOf, OptionalOf
from podlab.cel.values import CompileError

TEXT = Sized("string", 40)
SELF = Sized(
    fields={"text": TEXT, "items": Sized("list", 5, TEXT), "labels": Sized("map", 5, TEXT), "port": Sized("", 100)}
)
DECLARED = ObjectOf("Any", {"text": STRING, "items": ListOf(STRING), "labels": MapOf(STRING), "port": DYN})
ENVIRONMENT = base_environment({"self": DECLARED, "oldSelf": OptionalOf(DECLARED)})
VARIABLES = {"self": SELF, "oldSelf": SELF}

PARTS = st.sampled_from(
    ["self", "self.text", "self.items", "self.labels", "self.port", "oldSelf", "oldSelf.value()", "1", "'abc'", "b'a'",
     "true", "1.5", "null", "[1, 2]", "['a']", "{'a': 'b'}", "self.?text", "self.labels[?'a']", "x", "duration('1s')"]
)  # fmt: skip
METHODS = ["size", "isSorted", "sum", "trim", "lowerAscii", "value", "hasValue", "getHours", "sign"]
LOOPS = ["all", "exists", "exists_one", "map", "filter"]
EXPRESSIONS = st.recursive(
    PARTS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "==", "!=", "<", "&&", "||", "in"]), inner),
        st.builds("{}.{}(x, {})".format, inner, st.sampled_from(LOOPS), inner),
        st.builds("{}.all(k, x, {})".format, inner, inner),
        st.builds("{}.transformList(k, x, {})".format, inner, inner),
        st.builds("cel.bind(x, {}, {})".format, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}.{}()".format, inner, st.sampled_from(METHODS)),
        st.builds("{}.{}({})".format, inner, st.sampled_from(["matches", "split", "join", "orValue", "find"]), inner),
        st.builds("{}({})".format, st.sampled_from(["string", "int", "dyn", "type", "isIP", "url", "quantity"]), inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_what_compiles_has_an_estimate(expression: str) -> None:
    try:
        ENVIRONMENT.compile(expression)
    except CompileError:
        return
    assert ENVIRONMENT.estimate(expression, VARIABLES, SELF) >= 0


@pytest.mark.parametrize(
    ("expression", "most"),
    [
        ("oldSelf.value().text == self.text", 9),
        ("oldSelf.value().items.all(i, i in self.items)", 62),
        ("self.?items.orValue([]).all(i, i != '')", 50),
        ("self.labels[?'0'].orValue('').matches('^c+$')", 20),
        ("self.text.split('/', 2).all(part, part != '')", 22),
        ("'%s'.format([self.text]) != ''", 20),
        ("isIP(self.text) || isCIDR(self.text)", 6),
        ("cel.bind(x, self.items, x.all(i, i != '') && x.exists(i, i != ''))", 100),
    ],
)
def test_what_values_hold_at_most_is_known_however_they_are_reached(expression: str, most: int) -> None:
    estimate = ENVIRONMENT.estimate(expression, VARIABLES, SELF)
    assert estimate <= most
