from collections.abc import Callable

from podlab.api.kinds import KINDS
from podlab.core.v1 import pod_pb2
from podlab.kinds.validation.rules import OBJECT_BYTES, RULES


def test_every_kind_has_rules() -> None:
    assert set(RULES) == {kind.message for kind in KINDS}


def test_an_object_that_is_too_large_is_refused(
    found: Callable[..., list[str]], container: Callable[..., pod_pb2.Pod]
) -> None:
    assert found(container(args=["x" * OBJECT_BYTES])) == [
        f"object: Too long: may not be more than {OBJECT_BYTES} bytes"
    ]
