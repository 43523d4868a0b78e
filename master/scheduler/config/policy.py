"""Makes the scheduler's policy, profiles and back-off, of a KubeSchedulerConfiguration."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from master.scheduler.config.configuration import (
    KIND,
    POINTS,
    UNUSED_POINTS,
    KubeSchedulerConfiguration,
    KubeSchedulerProfile,
    Plugins,
    PluginSet,
)
from master.scheduler.config.plugin_args import VERSION
from master.scheduler.config.profile import Profile, WeightedScore
from master.scheduler.config.registry import (
    ALWAYS_ENABLED,
    BUILT_IN,
    DEVICES,
    PREEMPTION,
    WEIGHTS,
    WITHOUT_EFFECT,
    Plugin,
    PluginFactory,
)
from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.plugins.dynamic_resources import DynamicResources
from master.scheduler.plugins.protocol import is_filter, is_score
from master.scheduler.plugins.volume_binding import VolumeBinding
from master.scheduler.queue.backoff import Backoff
from podlab.settings import SettingsError

EVERY = "*"
MAX_WEIGHT = 1000
_DEFAULT = -1  # stands for the plugin's default weight


@dataclass(frozen=True)
class Policy:
    """The profiles, and the back-off of pods that failed."""

    profiles: tuple[Profile, ...]
    backoff: Backoff


def make_policy(given: KubeSchedulerConfiguration, plugin_files: Mapping[str, PluginFactory]) -> Policy:
    """The policy of the configuration; `plugin_files` makes the plugins of `pluginFiles`. Raises SettingsError."""
    for name, found, right in (("apiVersion", given.apiVersion, VERSION), ("kind", given.kind, KIND)):
        if found != right:
            raise SettingsError(f"{name}: expected {right}, found {found!r}")
    if given.extenders:
        raise SettingsError("extenders: not supported; a plugin of your own, named in pluginFiles, can do their work")
    return Policy(_profiles(given, plugin_files), _backoff(given))


def _backoff(given: KubeSchedulerConfiguration) -> Backoff:
    base_s, limit_s = given.podInitialBackoffSeconds, given.podMaxBackoffSeconds
    if base_s <= 0:
        raise SettingsError(f"podInitialBackoffSeconds: must be greater than 0, found {base_s}")
    if limit_s < base_s:
        problem = f"must be greater than or equal to podInitialBackoffSeconds, {base_s}, found {limit_s}"
        raise SettingsError(f"podMaxBackoffSeconds: {problem}")
    return Backoff(float(base_s), float(limit_s))


def _profiles(given: KubeSchedulerConfiguration, plugin_files: Mapping[str, PluginFactory]) -> tuple[Profile, ...]:
    if not given.profiles:
        raise SettingsError("profiles: at least one is needed; leave the field out for the default one")
    names = [each.schedulerName for each in given.profiles]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise SettingsError(f"profiles[{index}].schedulerName: {name!r} is that of another profile too")
    factories = {**BUILT_IN, **plugin_files}
    return tuple(_profile(each, factories, f"profiles[{index}]") for index, each in enumerate(given.profiles))


def _profile(given: KubeSchedulerProfile, factories: Mapping[str, PluginFactory], where: str) -> Profile:
    plugins = _plugins(given, factories, where)
    at = f"{where}.plugins"
    everywhere = dict.fromkeys(BUILT_IN, _DEFAULT)
    everywhere = _changed(everywhere, given.plugins.multiPoint, factories, f"{at}.multiPoint")
    can_filter = {name: plugin for name, plugin in plugins.items() if is_filter(plugin)}
    can_score = {name: plugin for name, plugin in plugins.items() if is_score(plugin)}
    filters = _changed(_among(everywhere, can_filter), given.plugins.filter, can_filter, f"{at}.filter")
    scores = _changed(_among(everywhere, can_score), given.plugins.score, can_score, f"{at}.score")
    last = given.plugins.postFilter
    after = _changed(_among(everywhere, {DEVICES, PREEMPTION}), last, {DEVICES}, f"{at}.postFilter")
    for point in UNUSED_POINTS:
        _changed({}, getattr(given.plugins, point), factories, f"{at}.{point}")
    preemption, volume_binding, devices = plugins[PREEMPTION], plugins["VolumeBinding"], plugins[DEVICES]
    assert isinstance(preemption, DefaultPreemption)
    assert isinstance(devices, DynamicResources)
    assert isinstance(volume_binding, VolumeBinding)
    return Profile(
        given.schedulerName,
        tuple(can_filter[name] for name in filters),
        tuple(
            WeightedScore(can_score[name], WEIGHTS.get(name, 1) if weight == _DEFAULT else weight)
            for name, weight in scores.items()
        ),
        preemption=preemption if PREEMPTION in after else None,
        bind_timeout_s=volume_binding.bind_timeout_s,
        devices=devices if DEVICES in filters else None,
        gives_up_claims=DEVICES in after,
    )


def _plugins(given: KubeSchedulerProfile, factories: Mapping[str, PluginFactory], where: str) -> dict[str, Plugin]:
    """All plugins that the profile may use, made with their arguments."""
    args: dict[str, tuple[dict[str, object], str]] = {}
    for index, each in enumerate(given.pluginConfig):
        at = f"{where}.pluginConfig[{index}]"
        if each.name not in factories:
            raise _unknown(f"{at}.name", each.name, factories)
        if each.name in args:
            raise SettingsError(f"{at}.name: {each.name!r} has arguments already")
        args[each.name] = (each.args, f"{at}.args")
    named = {entry.name for point in _points(given.plugins) for entry in point.enabled}
    wanted = [name for name in factories if name in BUILT_IN or name in named or name in args]
    return {name: factories[name](*args.get(name, ({}, where))) for name in wanted}


def _points(plugins: Plugins) -> tuple[PluginSet, ...]:
    return tuple(getattr(plugins, point) for point in POINTS)


def _among(weights: Mapping[str, int], names: Collection[str]) -> dict[str, int]:
    return {name: weight for name, weight in weights.items() if name in names}


def _changed(before: Mapping[str, int], change: PluginSet, known: Collection[str], where: str) -> dict[str, int]:
    """The plugins with their weights, in order. A plugin that is enabled again keeps its place."""
    for index, entry in enumerate(change.disabled):
        if entry.name in ALWAYS_ENABLED:
            raise SettingsError(f"{where}.disabled[{index}].name: {entry.name!r} cannot be disabled; remove the entry")
        if entry.name not in known and entry.name not in (EVERY, PREEMPTION, *WITHOUT_EFFECT):
            raise _unknown(f"{where}.disabled[{index}].name", entry.name, known)
    disabled = {entry.name for entry in change.disabled}
    after = {name: weight for name, weight in before.items() if EVERY not in disabled and name not in disabled}
    enabled, without_place = set[str](), (*ALWAYS_ENABLED, *WITHOUT_EFFECT)
    for index, entry in enumerate(change.enabled):
        at = f"{where}.enabled[{index}]"
        if entry.name not in known and entry.name not in (*without_place, PREEMPTION):
            raise _unknown(f"{at}.name", entry.name, known)
        if entry.name in enabled:
            raise SettingsError(f"{at}.name: {entry.name!r} is enabled already; remove one of the two")
        if not 0 <= entry.weight <= MAX_WEIGHT:
            raise SettingsError(f"{at}.weight: must be 1 to {MAX_WEIGHT}, found {entry.weight}")
        enabled.add(entry.name)
        if entry.name not in without_place:
            after[entry.name] = entry.weight or 1
    return after


def _unknown(where: str, name: str, known: Collection[str]) -> SettingsError:
    there = f"there are {', '.join(known)}" if known else "none can be named here"
    return SettingsError(f"{where}: no such plugin here: {name!r}; {there}; one of your own is named in pluginFiles")
