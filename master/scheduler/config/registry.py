"""The built-in plugins in Kubernetes' order, and how each is made from its arguments.

https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from master.scheduler.config import plugin_args
from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.plugins.dynamic_resources import DynamicResources
from master.scheduler.plugins.image_locality import ImageLocality
from master.scheduler.plugins.node_name import NodeName
from master.scheduler.plugins.node_ports import NodePorts
from master.scheduler.plugins.node_unschedulable import NodeUnschedulable
from master.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from master.scheduler.plugins.protocol import Filter, Score
from master.scheduler.plugins.taint_toleration import TaintToleration
from master.scheduler.plugins.volume_restrictions import VolumeRestrictions
from master.scheduler.plugins.volume_zone import VolumeZone
from podlab.settings import SettingsError

Plugin = Filter | Score | DefaultPreemption
PluginFactory = Callable[[Mapping[str, object], str], Plugin]
"""Makes a plugin from its arguments; the second is their path in the file, for errors. Raises SettingsError."""


def _without_args(plugin: Callable[[], Plugin]) -> PluginFactory:
    def make(args: Mapping[str, object], field: str) -> Plugin:
        if args:
            raise SettingsError(f"{field}: the plugin takes no arguments, found {', '.join(args)}; remove them")
        return plugin()

    return make


DEVICES = DynamicResources.name
PREEMPTION = DefaultPreemption.name
# They run in this order, but those that follow the cluster after all others.
BUILT_IN: Mapping[str, PluginFactory] = {
    "NodeUnschedulable": _without_args(NodeUnschedulable),
    "NodeName": _without_args(NodeName),
    "TaintToleration": _without_args(TaintToleration),
    "NodeAffinity": plugin_args.node_affinity,
    "NodePorts": _without_args(NodePorts),
    "NodeResourcesFit": plugin_args.node_resources_fit,
    "VolumeRestrictions": _without_args(VolumeRestrictions),
    "NodeVolumeLimits": _without_args(NodeVolumeLimits),
    "VolumeBinding": plugin_args.volume_binding,
    "VolumeZone": _without_args(VolumeZone),
    "PodTopologySpread": plugin_args.pod_topology_spread,
    "InterPodAffinity": plugin_args.inter_pod_affinity,
    DEVICES: plugin_args.dynamic_resources,
    "NodeResourcesBalancedAllocation": plugin_args.balanced_allocation,
    "ImageLocality": _without_args(ImageLocality),
    PREEMPTION: plugin_args.default_preemption,
}
# All others have 1.
WEIGHTS: Mapping[str, int] = {"TaintToleration": 3, "NodeAffinity": 2, "PodTopologySpread": 2, "InterPodAffinity": 2}
# These are parts of the scheduler's loop here, and cannot be disabled.
ALWAYS_ENABLED = ("PrioritySort", "SchedulingGates", "DefaultBinder")
# They count volumes of drivers on a node, and there are no drivers here: a file may name them without effect.
WITHOUT_EFFECT = ("EBSLimits", "GCEPDLimits", "AzureDiskLimits")
