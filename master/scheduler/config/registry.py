"""The plugins that there are, in Kubernetes' order, and how each is made from its arguments.

https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from master.scheduler.config import plugin_args
from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.plugins.image_locality import ImageLocality
from master.scheduler.plugins.node_name import NodeName
from master.scheduler.plugins.node_ports import NodePorts
from master.scheduler.plugins.node_unschedulable import NodeUnschedulable
from master.scheduler.plugins.protocol import Filter, Score
from master.scheduler.plugins.taint_toleration import TaintToleration
from master.scheduler.plugins.volume_restrictions import VolumeRestrictions
from master.scheduler.plugins.volume_zone import VolumeZone
from podlab.settings import SettingsError

Plugin = Filter | Score | DefaultPreemption
Make = Callable[[Mapping[str, Any], str], Plugin]
"""From the arguments, and where these stand. Raises SettingsError."""


def _plain(plugin: Callable[[], Plugin]) -> Make:
    def make(args: Mapping[str, Any], field: str) -> Plugin:
        if args:
            raise SettingsError(f"{field}: the plugin takes no arguments, found {', '.join(args)}; remove them")
        return plugin()

    return make


PREEMPTION = DefaultPreemption.name
# Asked in this order, those that follow the whole cluster after all others.
BUILT_IN: Mapping[str, Make] = {
    "NodeUnschedulable": _plain(NodeUnschedulable),
    "NodeName": _plain(NodeName),
    "TaintToleration": _plain(TaintToleration),
    "NodeAffinity": plugin_args.node_affinity,
    "NodePorts": _plain(NodePorts),
    "NodeResourcesFit": plugin_args.node_resources_fit,
    "VolumeRestrictions": _plain(VolumeRestrictions),
    "VolumeBinding": plugin_args.volume_binding,
    "VolumeZone": _plain(VolumeZone),
    "PodTopologySpread": plugin_args.pod_topology_spread,
    "InterPodAffinity": plugin_args.inter_pod_affinity,
    "NodeResourcesBalancedAllocation": plugin_args.balanced_allocation,
    "ImageLocality": _plain(ImageLocality),
    PREEMPTION: plugin_args.default_preemption,
}
# Those of all others are 1.
WEIGHTS: Mapping[str, int] = {"TaintToleration": 3, "NodeAffinity": 2, "PodTopologySpread": 2, "InterPodAffinity": 2}
# Parts of the loop rather than plugins here: they are always there.
ALWAYS = ("PrioritySort", "SchedulingGates", "DefaultBinder")
# They count what drivers attach to a node, and here are no drivers: a file may name them, and they refuse no node.
NOTHING_TO_COUNT = ("NodeVolumeLimits", "EBSLimits", "GCEPDLimits", "AzureDiskLimits")
