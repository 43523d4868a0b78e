"""An archive gives back what was written, or is refused by name."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.store import archive
from master.store.archive import ArchiveWriter, Header
from master.store.contract import Entry
from master.store.errors import BadArchive

HEADER = Header("lab", "2026-11-30T12:00:00Z", 4711)
ENTRIES = (
    Entry("/claims/nodePorts/30080", b"", 7, 7),
    Entry("/registry/apps/deployments/default/web", b"\x00\xff" * 400, 3, 9),
    Entry("/registry/core/pods/default/a", b"pod a", 4, 4),
    Entry("/registry/core/pods/default/b", b"pod b", 5, 8),
)

entries = st.lists(
    st.builds(
        Entry,
        st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1),
        st.binary(max_size=300),
        st.integers(1, 1 << 60),
        st.integers(1, 1 << 60),
    ),
    max_size=20,
)


def written(path: Path, entries: Sequence[Entry] = ENTRIES) -> Path:
    with path.open("wb") as file:
        writer = ArchiveWriter(file, HEADER)
        for entry in entries:
            writer.add(entry)
        writer.finish()
    return path


def test_what_was_written_is_read_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "a")
    header, contents = archive.verify(path)
    assert header == HEADER
    assert tuple(archive.entries(path)) == ENTRIES
    assert (contents.keys, contents.value_bytes) == (4, 810)
    assert contents.objects == {"deployments.apps": 1, "pods": 2}


@given(entries)
def test_any_entries_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> None:
    path = written(tmp_path_factory.mktemp("any") / "a", entries)
    archive.verify(path)
    assert list(archive.entries(path)) == entries


@given(st.data())
def test_a_bit_that_was_changed_anywhere_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("bit") / "a")
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(BadArchive, match=str(path)):
        archive.verify(path)


@given(st.data())
def test_a_file_that_ends_early_or_goes_on_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("cut") / "a")
    content = path.read_bytes()
    kept = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:kept] if data.draw(st.booleans()) else content + b"x" * (kept + 1))
    with pytest.raises(BadArchive, match=str(path)):
        archive.verify(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is no archive that podlab-store has written"),
        (b"SQLite format 3\0" + bytes(100), "it is no archive that podlab-store has written"),
        (
            b"podlab-store-archive/2\n{}\n",
            "it has format 2, this Podlab reads 1; restore it with the release that wrote",
        ),
        (b"podlab-store-archive/1\n{}\n", "its second line is no header"),
        (b"podlab-store-archive/1\nno\n", "its second line is no header"),
    ],
)
def test_what_is_no_archive_of_this_format_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(BadArchive, match=told):
        archive.verify(path)


def test_entries_that_are_not_what_the_end_says_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a")
    head, packed = path.read_bytes().split(b"}\n", 1)
    plain = zlib.decompressobj().decompress(packed)
    path.write_bytes(head + b"}\n" + zlib.compress(plain.replace(b'"keys": 4', b'"keys": 5')))
    with pytest.raises(BadArchive, match="does not hold what it says at its end"):
        list(archive.entries(path))


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("/registry/core/nodes/n1", "nodes"),
        ("/registry/apps/deployments/default/web", "deployments.apps"),
        ("/claims/nodePorts/30080", ""),
        ("/registry/core", ""),
        ("x", ""),
    ],
)
def test_an_object_counts_by_its_resource(key: str, resource: str) -> None:
    assert archive.resource_of(key) == resource
