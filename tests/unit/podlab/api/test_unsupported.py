"""The fields that are refused by name are none of those that Podlab has."""

import pytest
from google.protobuf import descriptor_pool

from podlab.api import kinds
from podlab.api.decoding import _json_names
from podlab.api.unsupported import IGNORED, UNSUPPORTED

assert kinds.KINDS  # importing them fills the pool


@pytest.mark.parametrize(("message", "fields"), [*UNSUPPORTED.items(), *IGNORED.items()])
def test_no_field_is_both_declared_and_refused(message: str, fields: frozenset[str]) -> None:
    declared = _json_names(descriptor_pool.Default().FindMessageTypeByName(message))
    assert not fields & declared
