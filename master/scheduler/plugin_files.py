"""Loads plugins of users: Python files with one class each (docs/scheduler-plugins.md)."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from master.scheduler.config.registry import BUILT_IN, Plugin, PluginFactory
from master.scheduler.plugins.protocol import Follows
from podlab.settings import SettingsError

_REMEDY = "docs/scheduler-plugins.md shows one that works"


def load(paths: Iterable[Path]) -> dict[str, PluginFactory]:
    """A factory for the plugin of each file, by the plugin's name. Raises SettingsError, which names the file."""
    found: dict[str, PluginFactory] = {}
    for path in paths:
        kind = _class_of(path)
        name = kind.name
        if name in BUILT_IN or name in found:
            raise SettingsError(f"pluginFiles: {path}: there is a plugin {name!r} already; give it another name")
        found[name] = _make(kind)
    return found


def _class_of(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"podlab_scheduler_plugin_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"pluginFiles: {path}: is not a Python file: its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a file of users may raise anything
        raise SettingsError(f"pluginFiles: {path}: cannot be loaded: {type(error).__name__}: {error}") from error
    own = [each for _, each in inspect.getmembers(module, inspect.isclass) if each.__module__ == module.__name__]
    plugins = [each for each in own if hasattr(each, "filter") or hasattr(each, "score")]
    if len(plugins) != 1:
        found_names = ", ".join(each.__name__ for each in plugins) or "none"
        raise SettingsError(
            f"pluginFiles: {path}: expected one class with filter or score, found {found_names}; {_REMEDY}"
        )
    _check(plugins[0], path)
    return plugins[0]


def _check(kind: Any, path: Path) -> None:
    if not isinstance(getattr(kind, "name", None), str):
        raise SettingsError(f"pluginFiles: {path}: {kind.__name__}.name must be the plugin's name; {_REMEDY}")
    if not isinstance(getattr(kind, "follows", None), Follows):
        raise SettingsError(f"pluginFiles: {path}: {kind.__name__}.follows must be one of Follows; {_REMEDY}")
    if hasattr(kind, "score") and not hasattr(kind, "normalize"):
        raise SettingsError(f"pluginFiles: {path}: {kind.__name__}.normalize must be a function or None; {_REMEDY}")


def _make(kind: Any) -> PluginFactory:
    def make(args: Mapping[str, Any], where: str) -> Plugin:
        try:
            made: Plugin = kind(**args)
        except (TypeError, ValueError) as error:
            raise SettingsError(f"{where}: {kind.name} does not take these arguments: {error}") from error
        return made

    return make
