from __future__ import annotations

import pytest

from master.apiserver.request import write_options
from master.apiserver.request.query import Query
from master.apiserver.request.write_options import FieldValidation, WriteOptions
from podlab.errors import Invalid


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({}, WriteOptions()),
        ({"fieldManager": "", "dryRun": "", "fieldValidation": ""}, WriteOptions()),
        ({"fieldManager": "gärtner 2"}, WriteOptions(manager="gärtner 2")),
        ({"fieldManager": "m" * 128}, WriteOptions(manager="m" * 128)),
        ({"dryRun": "All"}, WriteOptions(dry_run=True)),
        ({"fieldValidation": "Strict"}, WriteOptions(validation=FieldValidation.STRICT)),
    ],
)
def test_what_the_url_says_is_read(said: dict[str, str], read: WriteOptions) -> None:
    assert write_options.read(Query(said), "POST") == read


@pytest.mark.parametrize(
    ("said", "method", "refusal"),
    [
        (
            {"fieldManager": "m" * 129},
            "POST",
            'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
        ),
        (
            {"fieldManager": "ä\n"},
            "PUT",
            'UpdateOptions.meta.k8s.io "" is invalid: '
            'fieldManager: Invalid value: "ä\\n": invalid character U+000A (at position 2)',
        ),
        (
            {"dryRun": "Some", "fieldValidation": "Loose"},
            "PATCH",
            'PatchOptions.meta.k8s.io "" is invalid: [dryRun: Unsupported value: "Some": supported values: "All", '
            'fieldValidation: Unsupported value: "Loose": supported values: "Strict", "Warn", "Ignore"]',
        ),
    ],
)
def test_all_that_is_wrong_is_told_at_once(said: dict[str, str], method: str, refusal: str) -> None:
    with pytest.raises(Invalid) as refused:
        write_options.read(Query(said), method)
    assert str(refused.value) == refusal


@pytest.mark.parametrize(
    ("user_agent", "manager"),
    [
        ("", ""),
        ("kubectl/v1.36.2 (linux/amd64) kubernetes/abc", "kubectl"),
        ("podlab-scheduler/0.1.0 (linux/x86_64) grpc-python-asyncio/1.80.0", "podlab-scheduler"),
        ("/v1", ""),
        ("a\tb\udcffc", "abc"),
        ("ä" * 65, "ä" * 64),
        ("x" + "ä" * 64, "x" + "ä" * 63),
    ],
)
def test_a_program_is_known_by_what_its_user_agent_says_first(user_agent: str, manager: str) -> None:
    assert write_options.manager_of(user_agent) == manager


def test_a_manager_of_grpc_is_checked_likewise() -> None:
    assert write_options.checked_manager("") == ""
    assert write_options.checked_manager("m" * 128) == "m" * 128
    with pytest.raises(Invalid, match=r'field_manager: Invalid value: "\\u0007": invalid character U\+0007'):
        write_options.checked_manager("\x07")
