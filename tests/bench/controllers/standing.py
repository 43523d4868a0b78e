"""What CronJobs and autoscalers cost that have nothing to do."""

from __future__ import annotations

import asyncio

from apiserver import tell
from cluster import Cluster
from processes import cpu_s
from replicas import template, workload
from writing import each

from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler
from podlab.batch.v1.cronjob_pb2 import CronJob

CRON_JOBS, AUTOSCALERS = 1000, 200
SETTLE_S, STANDING_S = 5.0, 10.0


async def measure(cluster: Cluster) -> None:
    await _standing(cluster, "nothing more")
    namespace = await cluster.namespace("standing")
    await each([_cron_job(number, namespace) for number in range(CRON_JOBS)], cluster.client.create)
    await _standing(cluster, f"{CRON_JOBS} CronJobs more")
    scaled = [workload(Deployment, f"d{number}", namespace, replicas=1) for number in range(AUTOSCALERS)]
    await each(scaled, cluster.client.create)
    await each([_autoscaler(number, namespace) for number in range(AUTOSCALERS)], cluster.client.create)
    await _standing(cluster, f"{AUTOSCALERS} autoscalers more, of which nothing is measured")


async def _standing(cluster: Cluster, what: str) -> None:
    await asyncio.sleep(SETTLE_S)
    before = {name: cpu_s(process) for name, process in cluster.processes.items()}
    await asyncio.sleep(STANDING_S)
    for name, process in cluster.processes.items():
        tell(f"idle {name}, {what}", (cpu_s(process) - before[name]) / STANDING_S * 100, "% of a core", 1)


def _cron_job(number: int, namespace: str) -> CronJob:
    made = CronJob()
    made.metadata.name, made.metadata.namespace = f"c{number}", namespace
    made.spec.schedule = "0 0 1 1 *"
    made.spec.jobTemplate.spec.template.CopyFrom(template("cron"))
    made.spec.jobTemplate.spec.template.spec.restartPolicy = "Never"
    return made


def _autoscaler(number: int, namespace: str) -> HorizontalPodAutoscaler:
    made = HorizontalPodAutoscaler()
    made.metadata.name, made.metadata.namespace = f"h{number}", namespace
    target = made.spec.scaleTargetRef
    target.apiVersion, target.kind, target.name = "apps/v1", "Deployment", f"d{number}"
    made.spec.maxReplicas = 5
    metric = made.spec.metrics.add(type="Resource")
    metric.resource.name, metric.resource.target.type, metric.resource.target.averageUtilization = (
        "cpu",
        "Utilization",
        50,
    )
    return made
