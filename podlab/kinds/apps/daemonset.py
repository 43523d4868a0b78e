"""The kind DaemonSet."""

from podlab.api.kinds import of
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

RESOURCE = Resource(
    of(DaemonSet),
    subresources=(STATUS,),
    strategy=Strategy(counts_generations=True),
)
