"""The audit log and the metrics name custom kinds, as they name all others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from podlab_testing.cluster import Cluster
from podlab_testing.custom_kinds import CRONTABS, Rest, crontab
from podlab_testing.source_code import PROJECT
from podlab_testing.waiting import until

from master.apiserver.settings import AuditSettings

POLICY = PROJECT / "playbooks/roles/master/files/audit-policy.yaml"


async def test_metrics_name_custom_kinds(crontabs: Rest) -> None:
    await crontabs("POST", CRONTABS, crontab(), code=201)
    await crontabs.patch(f"{CRONTABS}/my/status", {"status": {"replicas": 1}})
    await crontabs("GET", "/apis/example.com/v1/crontabs")
    async with crontabs.http.get("/metrics") as response:
        told = await response.text()
    assert 'apiserver_storage_objects{resource="crontabs.example.com"} 1.0' in told
    kind = 'component="apiserver",group="example.com",resource="crontabs"'
    wanted = {("POST", "", "resource", "201"), ("PATCH", "status", "resource", "200"), ("LIST", "", "cluster", "200")}
    for verb, subresource, scope, code in wanted:
        labels = f'code="{code}",{kind},scope="{scope}",subresource="{subresource}",verb="{verb}",version="v1"'
        assert any(_has(line, labels) for line in told.splitlines()), labels


def _has(line: str, labels: str) -> bool:
    """Whether it is the count of requests with these labels, in whatever order."""
    name, _, rest = line.partition("{")
    return name == "apiserver_request_total" and set(rest.partition("}")[0].split(",")) == set(labels.split(","))


async def test_the_audit_log_names_custom_kinds(crontabs: Rest, cluster: Cluster, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    await cluster.stop()
    cluster.settings = replace(cluster.settings, audit=AuditSettings(policy=POLICY, log=log))
    await cluster.start()
    await crontabs("POST", CRONTABS, crontab(), code=201)
    await crontabs.patch(f"{CRONTABS}/my/scale", {"spec": {"replicas": 2}})
    await until(lambda: len(_told(log)) == 2, "two lines about CronTabs")
    made, scaled = _told(log)
    about = {"apiGroup": "example.com", "apiVersion": "v1", "resource": "crontabs", "namespace": "default"}
    assert (made["verb"], made["responseStatus"]["code"]) == ("create", 201)
    assert {**about, "name": "my"}.items() <= made["objectRef"].items()
    assert (scaled["verb"], scaled["objectRef"]["subresource"]) == ("patch", "scale")
    assert about.items() <= scaled["objectRef"].items()


def _told(log: Path) -> list[dict[str, Any]]:
    """What the log has to say of CronTabs, once they are answered."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [one for one in events if one.get("objectRef", {}).get("resource") == "crontabs" and "responseStatus" in one]
