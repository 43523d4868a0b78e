# ruff: noqa: N815 - the fields are those of Kubernetes' file
"""The scheduler's policy as a file: Kubernetes' KubeSchedulerConfiguration, made into profiles.

https://kubernetes.io/docs/reference/scheduling/config/
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from master.scheduler.arguments import VERSION
from master.scheduler.plugins.protocol import Filter, Score
from master.scheduler.profile import DEFAULT_NAME, Profile, Weighted
from master.scheduler.registry import ALWAYS, BUILT_IN, PREEMPTION, WEIGHTS, Make, Plugin
from podlab.settings import SettingsError

KIND = "KubeSchedulerConfiguration"
EVERY = "*"
MOST_WEIGHT = 1000
_DEFAULT = -1  # what Kubernetes gives the plugin


@dataclass(frozen=True)
class PluginEntry:
    """A plugin; `weight` counts where it scores, 0 stands for 1."""

    name: str
    weight: int = 0


@dataclass(frozen=True)
class PluginSet:
    """What is added to those that are there, and what of them is taken away: `*` is all."""

    enabled: tuple[PluginEntry, ...] = ()
    disabled: tuple[PluginEntry, ...] = ()


@dataclass(frozen=True)
class Plugins:
    """By where they take part; `multiPoint` is everywhere they can."""

    multiPoint: PluginSet = field(default_factory=PluginSet)
    filter: PluginSet = field(default_factory=PluginSet)
    postFilter: PluginSet = field(default_factory=PluginSet)
    score: PluginSet = field(default_factory=PluginSet)


@dataclass(frozen=True)
class PluginConfig:
    name: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProfileSpec:
    schedulerName: str = DEFAULT_NAME
    plugins: Plugins = field(default_factory=Plugins)
    pluginConfig: tuple[PluginConfig, ...] = ()


@dataclass(frozen=True)
class KubeSchedulerConfiguration:
    """`pluginFiles` is Podlab's own: files with plugins of one's own, one each."""

    apiVersion: str
    kind: str
    profiles: tuple[ProfileSpec, ...] = (ProfileSpec(),)
    pluginFiles: tuple[str, ...] = ()


def profiles(given: KubeSchedulerConfiguration, own: Mapping[str, Make]) -> tuple[Profile, ...]:
    """Those that the file describes; `own` makes the plugins of `pluginFiles`. Raises SettingsError."""
    for name, found, right in (("apiVersion", given.apiVersion, VERSION), ("kind", given.kind, KIND)):
        if found != right:
            raise SettingsError(f"{name}: expected {right}, found {found!r}")
    if not given.profiles:
        raise SettingsError("profiles: at least one is needed; leave the field out for the default one")
    names = [each.schedulerName for each in given.profiles]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise SettingsError(f"profiles[{index}].schedulerName: {name!r} is that of another profile too")
    makes = {**BUILT_IN, **own}
    return tuple(_profile(each, makes, f"profiles[{index}]") for index, each in enumerate(given.profiles))


def _profile(given: ProfileSpec, makes: Mapping[str, Make], where: str) -> Profile:
    plugins = _made(given, makes, where)
    at = f"{where}.plugins"
    everywhere = dict.fromkeys([*BUILT_IN, PREEMPTION], _DEFAULT)
    everywhere = _changed(everywhere, given.plugins.multiPoint, makes, f"{at}.multiPoint")
    able = {part: {name for name, plugin in plugins.items() if hasattr(plugin, part)} for part in ("filter", "score")}
    filters = _changed(_among(everywhere, able["filter"]), given.plugins.filter, able["filter"], f"{at}.filter")
    scores = _changed(_among(everywhere, able["score"]), given.plugins.score, able["score"], f"{at}.score")
    after = _changed(_among(everywhere, {PREEMPTION}), given.plugins.postFilter, (), f"{at}.postFilter")
    return Profile(
        given.schedulerName,
        tuple(cast(Filter, plugins[name]) for name in filters),
        tuple(
            Weighted(cast(Score, plugins[name]), WEIGHTS.get(name, 1) if weight == _DEFAULT else weight)
            for name, weight in scores.items()
        ),
        preempts=PREEMPTION in after,
    )


def _made(given: ProfileSpec, makes: Mapping[str, Make], where: str) -> dict[str, Plugin]:
    """All plugins that the profile may have, made with their arguments."""
    args: dict[str, tuple[dict[str, Any], str]] = {}
    for index, each in enumerate(given.pluginConfig):
        at = f"{where}.pluginConfig[{index}]"
        if each.name not in makes:
            raise _unknown(f"{at}.name", each.name, makes)
        if each.name in args:
            raise SettingsError(f"{at}.name: {each.name!r} has arguments already")
        args[each.name] = (each.args, f"{at}.args")
    named = {entry.name for point in _points(given.plugins) for entry in point.enabled}
    wanted = [name for name in makes if name in BUILT_IN or name in named or name in args]
    return {name: makes[name](*args.get(name, ({}, where))) for name in wanted}


def _points(plugins: Plugins) -> tuple[PluginSet, ...]:
    return (plugins.multiPoint, plugins.filter, plugins.postFilter, plugins.score)


def _among(weights: Mapping[str, int], names: Collection[str]) -> dict[str, int]:
    return {name: weight for name, weight in weights.items() if name in names}


def _changed(before: Mapping[str, int], change: PluginSet, known: Collection[str], where: str) -> dict[str, int]:
    """The plugins with their weights, in their order; one that is enabled again stays where it was."""
    for index, entry in enumerate(change.disabled):
        if entry.name in ALWAYS:
            raise SettingsError(f"{where}.disabled[{index}].name: {entry.name!r} cannot be disabled; remove the entry")
        if entry.name not in known and entry.name not in (EVERY, PREEMPTION):
            raise _unknown(f"{where}.disabled[{index}].name", entry.name, known)
    gone = {entry.name for entry in change.disabled}
    after = {name: weight for name, weight in before.items() if EVERY not in gone and name not in gone}
    enabled: set[str] = set()
    for index, entry in enumerate(change.enabled):
        at = f"{where}.enabled[{index}]"
        if entry.name not in known and entry.name not in (*ALWAYS, PREEMPTION):
            raise _unknown(f"{at}.name", entry.name, known)
        if entry.name in enabled:
            raise SettingsError(f"{at}.name: {entry.name!r} is enabled already; remove one of the two")
        if not 0 <= entry.weight <= MOST_WEIGHT:
            raise SettingsError(f"{at}.weight: must be 1 to {MOST_WEIGHT}, found {entry.weight}")
        enabled.add(entry.name)
        if entry.name not in ALWAYS:
            after[entry.name] = entry.weight or 1
    return after


def _unknown(where: str, name: str, known: Collection[str]) -> SettingsError:
    there = f"there are {', '.join(known)}" if known else "none can be named here"
    return SettingsError(f"{where}: no such plugin here: {name!r}; {there}; one of your own is named in pluginFiles")
