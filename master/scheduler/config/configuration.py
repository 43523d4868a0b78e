# ruff: noqa: N815 - the fields are those of Kubernetes' file
"""The scheduler's policy as a file: Kubernetes' KubeSchedulerConfiguration, made into profiles.

https://kubernetes.io/docs/reference/scheduling/config/
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

from master.scheduler.config.plugin_args import VERSION
from master.scheduler.config.profile import DEFAULT_NAME, Profile, Weighted
from master.scheduler.config.registry import ALWAYS, BUILT_IN, NOTHING_TO_COUNT, PREEMPTION, WEIGHTS, Make, Plugin
from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.plugins.protocol import Filter, Score
from master.scheduler.plugins.volume_binding import VolumeBinding
from master.scheduler.queue.backoff import Backoff
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
    """By where they take part; `multiPoint` is everywhere they can.

    Plugins here have no parts at WITHOUT_PARTS: what a file says of them there is checked, and changes nothing.
    """

    multiPoint: PluginSet = field(default_factory=PluginSet)
    preEnqueue: PluginSet = field(default_factory=PluginSet)
    queueSort: PluginSet = field(default_factory=PluginSet)
    preFilter: PluginSet = field(default_factory=PluginSet)
    filter: PluginSet = field(default_factory=PluginSet)
    postFilter: PluginSet = field(default_factory=PluginSet)
    preScore: PluginSet = field(default_factory=PluginSet)
    score: PluginSet = field(default_factory=PluginSet)
    reserve: PluginSet = field(default_factory=PluginSet)
    permit: PluginSet = field(default_factory=PluginSet)
    preBind: PluginSet = field(default_factory=PluginSet)
    bind: PluginSet = field(default_factory=PluginSet)
    postBind: PluginSet = field(default_factory=PluginSet)


WITH_PARTS = ("multiPoint", "filter", "postFilter", "score")
WITHOUT_PARTS = tuple(each.name for each in fields(Plugins) if each.name not in WITH_PARTS)


@dataclass(frozen=True)
class PluginConfig:
    name: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProfileSpec:
    schedulerName: str = DEFAULT_NAME
    plugins: Plugins = field(default_factory=Plugins)
    pluginConfig: tuple[PluginConfig, ...] = ()
    percentageOfNodesToScore: int | None = None


@dataclass(frozen=True)
class KubeSchedulerConfiguration:
    """`pluginFiles` is Podlab's own: files with plugins of one's own, one each.

    From `clientConnection` on nothing has an effect: it is about another process than ours, or about work that is not
    left out here.
    """

    apiVersion: str
    kind: str
    profiles: tuple[ProfileSpec, ...] = (ProfileSpec(),)
    podInitialBackoffSeconds: int = 1
    podMaxBackoffSeconds: int = 10
    extenders: tuple[dict[str, Any], ...] = ()
    pluginFiles: tuple[str, ...] = ()
    clientConnection: dict[str, Any] | None = None
    leaderElection: dict[str, Any] | None = None
    percentageOfNodesToScore: int | None = None
    parallelism: int | None = None
    enableProfiling: bool | None = None
    enableContentionProfiling: bool | None = None
    delayCacheUntilActive: bool | None = None

    @property
    def without_effect(self) -> list[str]:
        """The fields that the file has, and that change nothing here."""
        names = [each.name for each in fields(self)]
        said = [name for name in names[names.index("clientConnection") :] if getattr(self, name) is not None]
        profiles = (f"profiles[{index}]" for index, each in enumerate(self.profiles) if each.percentageOfNodesToScore)
        return [*said, *(f"{profile}.percentageOfNodesToScore" for profile in profiles)]


@dataclass(frozen=True)
class Policy:
    """By what pods are judged, and how long those that failed wait."""

    profiles: tuple[Profile, ...]
    backoff: Backoff


def policy(given: KubeSchedulerConfiguration, own: Mapping[str, Make]) -> Policy:
    """What the file says; `own` makes the plugins of `pluginFiles`. Raises SettingsError."""
    for name, found, right in (("apiVersion", given.apiVersion, VERSION), ("kind", given.kind, KIND)):
        if found != right:
            raise SettingsError(f"{name}: expected {right}, found {found!r}")
    if given.extenders:
        raise SettingsError("extenders: not supported; a plugin of your own, named in pluginFiles, can do their work")
    return Policy(_profiles(given, own), _backoff(given))


def _backoff(given: KubeSchedulerConfiguration) -> Backoff:
    base_s, limit_s = given.podInitialBackoffSeconds, given.podMaxBackoffSeconds
    if base_s <= 0:
        raise SettingsError(f"podInitialBackoffSeconds: must be greater than 0, found {base_s}")
    if limit_s < base_s:
        told = f"must be greater than or equal to podInitialBackoffSeconds, {base_s}, found {limit_s}"
        raise SettingsError(f"podMaxBackoffSeconds: {told}")
    return Backoff(float(base_s), float(limit_s))


def _profiles(given: KubeSchedulerConfiguration, own: Mapping[str, Make]) -> tuple[Profile, ...]:
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
    everywhere = dict.fromkeys(BUILT_IN, _DEFAULT)
    everywhere = _changed(everywhere, given.plugins.multiPoint, makes, f"{at}.multiPoint")
    able = {part: {name for name, plugin in plugins.items() if hasattr(plugin, part)} for part in ("filter", "score")}
    filters = _changed(_among(everywhere, able["filter"]), given.plugins.filter, able["filter"], f"{at}.filter")
    scores = _changed(_among(everywhere, able["score"]), given.plugins.score, able["score"], f"{at}.score")
    after = _changed(_among(everywhere, {PREEMPTION}), given.plugins.postFilter, (), f"{at}.postFilter")
    for point in WITHOUT_PARTS:
        _changed({}, getattr(given.plugins, point), makes, f"{at}.{point}")
    return Profile(
        given.schedulerName,
        tuple(cast(Filter, plugins[name]) for name in filters),
        tuple(
            Weighted(cast(Score, plugins[name]), WEIGHTS.get(name, 1) if weight == _DEFAULT else weight)
            for name, weight in scores.items()
        ),
        preemption=cast(DefaultPreemption, plugins[PREEMPTION]) if PREEMPTION in after else None,
        bind_timeout_s=cast(VolumeBinding, plugins["VolumeBinding"]).bind_timeout_s,
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
    return tuple(getattr(plugins, point) for point in WITH_PARTS)


def _among(weights: Mapping[str, int], names: Collection[str]) -> dict[str, int]:
    return {name: weight for name, weight in weights.items() if name in names}


def _changed(before: Mapping[str, int], change: PluginSet, known: Collection[str], where: str) -> dict[str, int]:
    """The plugins with their weights, in their order; one that is enabled again stays where it was."""
    for index, entry in enumerate(change.disabled):
        if entry.name in ALWAYS:
            raise SettingsError(f"{where}.disabled[{index}].name: {entry.name!r} cannot be disabled; remove the entry")
        if entry.name not in known and entry.name not in (EVERY, PREEMPTION, *NOTHING_TO_COUNT):
            raise _unknown(f"{where}.disabled[{index}].name", entry.name, known)
    gone = {entry.name for entry in change.disabled}
    after = {name: weight for name, weight in before.items() if EVERY not in gone and name not in gone}
    enabled, elsewhere = set[str](), (*ALWAYS, *NOTHING_TO_COUNT)
    for index, entry in enumerate(change.enabled):
        at = f"{where}.enabled[{index}]"
        if entry.name not in known and entry.name not in (*elsewhere, PREEMPTION):
            raise _unknown(f"{at}.name", entry.name, known)
        if entry.name in enabled:
            raise SettingsError(f"{at}.name: {entry.name!r} is enabled already; remove one of the two")
        if not 0 <= entry.weight <= MOST_WEIGHT:
            raise SettingsError(f"{at}.weight: must be 1 to {MOST_WEIGHT}, found {entry.weight}")
        enabled.add(entry.name)
        if entry.name not in elsewhere:
            after[entry.name] = entry.weight or 1
    return after


def _unknown(where: str, name: str, known: Collection[str]) -> SettingsError:
    there = f"there are {', '.join(known)}" if known else "none can be named here"
    return SettingsError(f"{where}: no such plugin here: {name!r}; {there}; one of your own is named in pluginFiles")
