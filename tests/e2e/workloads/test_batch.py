"""Jobs and CronJobs on real hosts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import yaml
from podlab_testing.deployed import IMAGE, Cli, condition_of, wait_until

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


def job_spec(script: str, **spec: Any) -> dict[str, Any]:
    box = {"name": "main", "image": IMAGE, "command": ["sh", "-c", script]}
    pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [box]}
    return {"template": {"spec": pod}} | spec


def manifest(kind: str, name: str, spec: dict[str, Any]) -> str:
    return yaml.safe_dump({"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})


def test_an_indexed_job_bears_one_failing_index_and_runs_the_others(cli: Cli, namespace: str) -> None:
    script = 'echo "$JOB_COMPLETION_INDEX on $(cat /etc/hostname)"; [ "$JOB_COMPLETION_INDEX" != 1 ]'
    spec = job_spec(script, completions=3, parallelism=3, completionMode="Indexed", backoffLimitPerIndex=1)
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest("Job", "sum", spec))

    def job() -> dict[str, Any]:
        found: dict[str, Any] = cli.get("job", "sum", "-n", namespace)
        return found

    wait_until(lambda: condition_of(job(), "Failed") == "True", "the Job ends", 60)
    status = job()["status"]
    assert (status["completedIndexes"], status["failedIndexes"]) == ("0,2", "1")
    assert (status.get("succeeded"), status.get("failed"), status.get("active", 0)) == (2, 2, 0)
    assert {one["reason"] for one in status["conditions"]} == {"FailedIndexes"}
    pods = cli.items("pods", "-n", namespace, "-l", "batch.kubernetes.io/job-name=sum")
    by_index = {one["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"]: one for one in pods}
    assert len(pods) == 4
    assert cli("logs", by_index["2"]["metadata"]["name"], "-n", namespace).strip() == "2 on sum-2"
    assert not any(one["metadata"].get("finalizers") for one in pods)


def test_a_deleted_job_takes_its_running_pods_along(cli: Cli, namespace: str) -> None:
    spec = job_spec("sleep 600", completions=2, parallelism=2)
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest("Job", "long", spec))
    wait_until(lambda: cli.get("job", "long", "-n", namespace)["status"].get("ready") == 2, "two pods run", 40)
    cli("delete", "job", "long", "-n", namespace)
    wait_until(lambda: not cli.items("pods", "-n", namespace), "no pod is left", 30)


def test_a_finished_job_goes_when_its_time_is_over(cli: Cli, namespace: str) -> None:
    spec = job_spec("true", ttlSecondsAfterFinished=2)
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest("Job", "brief", spec))
    wait_until(lambda: not cli.rest.exists("job", "brief", "-n", namespace), "the Job is gone", 40)
    wait_until(lambda: not cli.items("pods", "-n", namespace), "and its pod", 10)


def test_a_cron_job_fires_on_the_minute(cli: Cli, namespace: str) -> None:
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": job_spec("date")}}
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest("CronJob", "tick", spec))

    def done() -> list[dict[str, Any]]:
        return [one for one in cli.items("jobs", "-n", namespace) if condition_of(one, "Complete") == "True"]

    (job,) = wait_until(done, "a Job succeeds", 90, 1)
    metadata = job["metadata"]
    scheduled = datetime.fromisoformat(metadata["annotations"][SCHEDULED])
    late_s = (datetime.fromisoformat(metadata["creationTimestamp"]) - scheduled).total_seconds()
    assert scheduled.second == 0
    assert 0 <= late_s <= 5
    status = cli.get("cronjob", "tick", "-n", namespace)["status"]
    assert datetime.fromisoformat(status["lastScheduleTime"]) >= scheduled
