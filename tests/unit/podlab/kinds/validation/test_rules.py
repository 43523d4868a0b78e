from collections.abc import Callable

from podlab.core.v1 import pod_pb2
from podlab.kinds import builtin
from podlab.kinds.validation.rules import ANYTHING, OBJECT_BYTES


def test_every_kind_has_rules() -> None:
    """Those of no more than metadata are said as well: it is not forgotten."""
    catalog = builtin.catalog()
    plain = {kind.name for kind in catalog.stored if catalog.resource(kind).strategy.rules is ANYTHING}
    assert plain == set()


def test_an_object_that_is_too_large_is_refused(
    found: Callable[..., list[str]], container: Callable[..., pod_pb2.Pod]
) -> None:
    assert found(container(args=["x" * OBJECT_BYTES])) == [
        f"object: Too long: may not be more than {OBJECT_BYTES} bytes"
    ]
