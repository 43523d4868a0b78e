"""Many Jobs of one pod."""

from __future__ import annotations

from cluster import Cluster
from kubelets import ENDS
from replicas import template
from waiting import until
from writing import each

from podlab.batch.v1.job_pb2 import Job

JOBS = 1000


async def measure(cluster: Cluster) -> None:
    namespace = await cluster.namespace("jobs")
    with cluster.measured(f"{JOBS} Jobs of one pod, until all are complete", JOBS, "Job"):
        await each([_job(number, namespace) for number in range(JOBS)], cluster.client.create)
        await until(cluster.client, Job, namespace, JOBS, _is_complete)


def _job(number: int, namespace: str) -> Job:
    made = Job()
    made.metadata.name, made.metadata.namespace = f"j{number}", namespace
    made.spec.template.CopyFrom(template("job"))
    made.spec.template.metadata.labels[ENDS] = "yes"
    made.spec.template.spec.restartPolicy = "Never"
    return made


def _is_complete(job: Job) -> bool:
    return any(one.type == "Complete" and one.status == "True" for one in job.status.conditions)
