# ruff: noqa: N815 - the fields are those of Kubernetes' file
"""Kubernetes' KubeSchedulerConfiguration.

https://kubernetes.io/docs/reference/scheduling/config/
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from master.scheduler.config.profile import DEFAULT_NAME

KIND = "KubeSchedulerConfiguration"


@dataclass(frozen=True)
class PluginEntry:
    """A plugin; `weight` is for scores, 0 stands for 1."""

    name: str
    weight: int = 0


@dataclass(frozen=True)
class PluginSet:
    """Plugins to add to the default ones, and plugins to take away; `*` takes all away."""

    enabled: tuple[PluginEntry, ...] = ()
    disabled: tuple[PluginEntry, ...] = ()


@dataclass(frozen=True)
class Plugins:
    """Plugins by extension point; `multiPoint` stands for all points of a plugin.

    At the points of UNUSED_POINTS plugins have no parts here: what a file says there is checked, and changes nothing.
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


POINTS = ("multiPoint", "filter", "postFilter", "score")
UNUSED_POINTS = tuple(each.name for each in fields(Plugins) if each.name not in POINTS)


@dataclass(frozen=True)
class PluginConfig:
    name: str
    args: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class KubeSchedulerProfile:
    schedulerName: str = DEFAULT_NAME
    plugins: Plugins = field(default_factory=Plugins)
    pluginConfig: tuple[PluginConfig, ...] = ()
    percentageOfNodesToScore: int | None = None


@dataclass(frozen=True)
class KubeSchedulerConfiguration:
    """`pluginFiles` is Podlab's own: files of users' plugins, one each.

    `clientConnection` and all fields after it have no effect here.
    """

    apiVersion: str
    kind: str
    profiles: tuple[KubeSchedulerProfile, ...] = (KubeSchedulerProfile(),)
    podInitialBackoffSeconds: int = 1
    podMaxBackoffSeconds: int = 10
    extenders: tuple[dict[str, object], ...] = ()
    pluginFiles: tuple[str, ...] = ()
    clientConnection: dict[str, object] | None = None
    leaderElection: dict[str, object] | None = None
    percentageOfNodesToScore: int | None = None
    parallelism: int | None = None
    enableProfiling: bool | None = None
    enableContentionProfiling: bool | None = None
    delayCacheUntilActive: bool | None = None

    @property
    def without_effect(self) -> list[str]:
        """The fields that are set, and have no effect here."""
        names = [each.name for each in fields(self)]
        ignored = [name for name in names[names.index("clientConnection") :] if getattr(self, name) is not None]
        profiles = (f"profiles[{index}]" for index, each in enumerate(self.profiles) if each.percentageOfNodesToScore)
        return [*ignored, *(f"{profile}.percentageOfNodesToScore" for profile in profiles)]
