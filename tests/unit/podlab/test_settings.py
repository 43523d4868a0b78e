from dataclasses import dataclass, field
from pathlib import Path

import pytest

from podlab.settings import SettingsError, load


@dataclass(frozen=True)
class Inner:
    path: Path
    count: int = 3


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    delay_s: float = 1.0
    labels: dict[str, str] = field(default_factory=dict)
    items: list[int] = field(default_factory=list)
    note: str | None = None


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return path


def test_settings_are_read_with_their_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, "name: a\ninner: {path: /x}\ndelay_s: 2\nlabels: {k: v}\nitems: [1]\n")
    assert load(path, Outer) == Outer("a", Inner(Path("/x")), 2.0, {"k": "v"}, [1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\ninner: {path: /x, count: many}", "inner.count: expected int, found 'many'"),
        ("name: a\ninner: {path: /x}\ncolour: red", "colour: unknown field; known ones are name, inner"),
        ("inner: {path: /x}", "name: required and missing"),
        ("name: a\ninner: 5", "inner: expected a mapping, found 5"),
        ("name: a\ninner: {path: /x}\nitems: [1, yes]", r"items\[1\]: expected int, found True"),
        ("name: [", "is not YAML"),
        ("5", "the file: expected a mapping, found 5"),
    ],
)
def test_bad_settings_name_the_file_the_field_and_the_value(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        load(written(tmp_path, text), Outer)
    assert str(tmp_path / "c.yaml") in str(raised.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"name: .*inner\.count: .*colour: |colour: .*name: .*inner\.count: "):
        load(written(tmp_path, "name: 5\ninner: {path: /x, count: no}\ncolour: red"), Outer)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"c\.yaml: cannot be read"):
        load(tmp_path / "c.yaml", Outer)
