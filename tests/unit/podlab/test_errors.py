import pytest
from google.rpc import status_pb2

from podlab.errors import (
    LEAVES,
    ApiError,
    BadRequest,
    Cause,
    Forbidden,
    InternalError,
    Invalid,
    bounded,
    from_status,
    to_rpc_status,
    to_status,
)
from podlab.meta.v1.meta_pb2 import Status


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_error_survives_the_way_through_a_status(leaf: type[ApiError]) -> None:
    error = leaf("why", kind="pods", name="web", causes=[Cause("spec.x", "FieldValueInvalid", "bad")], retry_after_s=2)
    back = from_status(to_status(error))
    assert type(back) is leaf
    assert vars(back) == vars(error)
    assert (back.reason, back.code) == (leaf.reason, leaf.code)


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_error_has_a_grpc_code(leaf: type[ApiError]) -> None:
    assert to_rpc_status(leaf("why")).code is leaf.grpc_code


def test_every_leaf_of_the_tree_is_mapped() -> None:
    assert set(ApiError.__subclasses__()) == set(LEAVES)
    assert len({leaf.reason for leaf in LEAVES}) == len(LEAVES)


def test_a_foreign_reason_is_an_internal_error_that_keeps_it() -> None:
    error = from_status(Status(reason="Teapot", message="?"))
    assert isinstance(error, InternalError)
    assert (error.reason, error.code) == ("Teapot", 500)


def test_a_foreign_reason_with_a_code_is_the_error_of_the_code() -> None:
    error = from_status(Status(reason="Teapot", message="?", code=403))
    assert isinstance(error, Forbidden)
    assert from_status(to_status(error)).reason == "Teapot"
    odd = from_status(Status(reason="Teapot", message="?", code=418))
    assert (type(odd), odd.reason, odd.code) == (InternalError, "Teapot", 418)


def test_an_invalid_object_tells_all_its_causes() -> None:
    causes = [Cause("spec.a", "FieldValueRequired", "Required value"), Cause("spec.b", "FieldValueInvalid", "bad")]
    assert str(Invalid.of("Pod", "web", causes)) == 'Pod "web" is invalid: [spec.a: Required value, spec.b: bad]'
    assert str(Invalid.of("Pod", "web", causes[:1])) == 'Pod "web" is invalid: spec.a: Required value'


def test_an_error_is_cut_to_what_fits_into_the_trailers() -> None:
    causes = [Cause(f"spec.{number}", "FieldValueInvalid", "\u00e4" * 5000) for number in range(100)]
    status = to_rpc_status(Invalid.of("Pod", "web", causes))
    (_, details), *_ = status.trailing_metadata
    assert 3 * len(status.details) + len(details) * 4 / 3 < 200_000
    back = from_rich(details)
    assert str(back.message).startswith('Pod "web" is invalid: [spec.0: ')
    assert back.causes[0].message.endswith("... (5000 characters)")
    assert 10 < len(back.causes) < 20


def from_rich(details: bytes) -> ApiError:
    status = Status()
    assert status_pb2.Status.FromString(details).details[0].Unpack(status)
    return from_status(status)


def test_of_many_causes_the_first_are_told_and_how_many_there_are_besides() -> None:
    causes = [Cause(f"spec.x[{number}]", "FieldValueInvalid", "bad") for number in range(180_000)]
    told = Invalid.of("Pod", "web", causes)
    assert [str(cause) for cause in told.causes[98:]] == ["spec.x[98]: bad", "spec.x[99]: bad", "and 179900 more"]
    assert told.message.endswith("spec.x[99]: bad, and 179900 more]")
    again = from_status(to_status(told))
    assert again.causes == told.causes
    assert bounded(told.causes) == told.causes


def test_values_and_names_of_megabytes_are_told_by_their_beginning() -> None:
    told = Invalid.of("Pod", "web", [Cause("x" * 3_000_000, "FieldValueInvalid", "y" * 3_000_000)])
    assert told.causes[0].field.endswith("x... (3000000 characters)")
    assert told.causes[0].message.endswith("y... (3000000 characters)")
    assert len(BadRequest("z" * 3_000_000).message) < 40_000
