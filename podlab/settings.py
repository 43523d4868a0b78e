"""Reads a component's YAML settings into its frozen dataclass, and says exactly what is wrong with them."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import TypeVar

import yaml

T = TypeVar("T")


class SettingsError(Exception):
    """The settings cannot be used; the message names the file, the field, the value and the remedy."""


def load(path: Path, settings_type: type[T]) -> T:
    """The settings in the file. Raises SettingsError."""
    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is not YAML: {error}") from error
    try:
        return build(settings_type, {} if data is None else data)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def build(settings_type: type[T], data: object, field: str = "") -> T:
    """The settings in data that was read already; `field` is where they stand. Raises SettingsError."""
    problems: list[str] = []
    settings = _build(settings_type, data, field, problems)
    if problems:
        raise SettingsError("; ".join(problems))
    assert isinstance(settings, settings_type)
    return settings


def _build(wanted: object, value: object, path: str, problems: list[str]) -> object:
    origin = typing.get_origin(wanted)
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        return _build_dataclass(wanted, value, path, problems)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _build(next(arm for arm in typing.get_args(wanted) if arm is not type(None)), value, path, problems)
    if origin in (list, tuple) and isinstance(value, list):
        item = typing.get_args(wanted)[0]
        return origin(_build(item, each, f"{path}[{index}]", problems) for index, each in enumerate(value))
    if origin is dict and isinstance(value, dict):
        item = typing.get_args(wanted)[1]
        return {str(name): _build(item, each, f"{path}.{name}", problems) for name, each in value.items()}
    if wanted is Path and isinstance(value, str):
        return Path(value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(wanted, type) and isinstance(value, wanted) and not (wanted is int and isinstance(value, bool)):
        return value
    expected = getattr(origin or wanted, "__name__", str(wanted))
    problems.append(f"{path or 'the file'}: expected {expected}, found {value!r}")
    return None


def _build_dataclass(wanted: type, value: object, path: str, problems: list[str]) -> object:
    if not isinstance(value, dict):
        problems.append(f"{path or 'the file'}: expected a mapping, found {value!r}")
        return None
    hints = typing.get_type_hints(wanted)
    fields = {field.name: field for field in dataclasses.fields(wanted)}
    dotted = f"{path}." if path else ""
    for name in value:
        if name not in fields:
            problems.append(f"{dotted}{name}: unknown field; known ones are {', '.join(fields)}")
    arguments: dict[str, object] = {}
    for name, field in fields.items():
        if name in value:
            arguments[name] = _build(hints[name], value[name], dotted + name, problems)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            problems.append(f"{dotted}{name}: required and missing")
            arguments[name] = None
    return wanted(**arguments) if not problems else None
