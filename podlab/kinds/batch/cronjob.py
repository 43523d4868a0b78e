"""The kind CronJob."""

from podlab.api.kinds import of
from podlab.batch.v1.cronjob_pb2 import CronJob
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

RESOURCE = Resource(
    of(CronJob),
    subresources=(STATUS,),
    strategy=Strategy(counts_generations=True),
)
