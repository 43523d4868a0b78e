"""What every kind must have, wherever the tables are that say so."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import validate_create

import podlab.kinds
from podlab.api.kinds import OTHER, SHARED, Kind
from podlab.cli.describe.command import DESCRIBERS
from podlab.kinds import builtin
from podlab.v1 import object_pb2

every_kind = pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: kind.name)


@every_kind
def test_every_kind_has_a_place_in_the_envelope_and_kubernetes_field_numbers(kind: Kind) -> None:
    assert kind.object_field in object_pb2.Object.DESCRIPTOR.fields_by_name
    assert kind.message.DESCRIPTOR.fields_by_name["metadata"].number == 1


def test_the_envelope_has_no_kind_that_the_table_lacks() -> None:
    fields = set(object_pb2.Object.DESCRIPTOR.fields_by_name) - SHARED
    assert {kind.object_field for kind in builtin_kinds.STORED} - {OTHER} == fields


@every_kind
def test_every_kind_is_validated(kind: Kind) -> None:
    assert any(cause.field.startswith("metadata.name") for cause in validate_create(kind.message()))


@every_kind
def test_defaults_of_every_kind_change_nothing_the_second_time(kind: Kind) -> None:
    once = kind.message()
    builtin_kinds.apply_defaults(once)
    twice = kind.message()
    twice.CopyFrom(once)
    builtin_kinds.apply_defaults(twice)
    assert twice == once


@every_kind
@pytest.mark.parametrize("wide", [False, True])
def test_every_kind_has_columns_and_prints_even_an_empty_object(kind: Kind, wide: bool) -> None:
    headers = builtin_kinds.of(kind).table.columns(wide)
    assert len(builtin_kinds.of(kind).table.row(kind.message(), wide, datetime.now(UTC))) == len(headers)
    assert "NAME" in builtin_kinds.of(kind).table.columns(wide=True)


def test_nothing_is_described_but_kinds() -> None:
    assert DESCRIBERS.keys() <= {kind.name for kind in builtin_kinds.STORED}


def test_every_file_of_a_kind_is_in_the_list() -> None:
    listed = {
        (builtin.folder(message), message.DESCRIPTOR.name.lower()) for message in (*builtin.STORED, *builtin.ANSWERED)
    }
    groups = [Path(podlab.kinds.__path__[0]) / group for group in sorted({group for group, _ in listed})]
    files = {(group.name, file.stem) for group in groups for file in group.glob("*.py") if file.stem != "__init__"}
    assert files == listed


def test_columns_of_a_kind_load_no_rules() -> None:
    """The command line starts with what it prints; rules, warnings and hooks of writes are the servers' alone."""
    program = (
        "import sys\n"
        "import podlab.cli.main, podlab.cli.objects.get\n"
        "from podlab.cli.objects.printing import Rows\n"
        "from podlab.kinds import builtin\n"
        "for kind in builtin.catalog().kinds:\n"
        "    Rows(kind, wide=True, with_namespace=True)\n"
        "rules = tuple(f'podlab.kinds.{room}' for room in ('strategies', 'validation', 'warnings'))\n"
        "print(*(name for name in sys.modules if name.startswith(rules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
