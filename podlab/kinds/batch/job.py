"""The kind Job."""

from podlab.api.kinds import of
from podlab.batch.v1.job_pb2 import Job
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

RESOURCE = Resource(
    of(Job),
    subresources=(STATUS,),
    strategy=Strategy(counts_generations=True, orphans=True),
)
