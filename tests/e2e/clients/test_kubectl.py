"""kubectl 1.37, newer than the server, beside the 1.32 of tests/e2e/kubectl: a smoke test of each command."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml
from podlab_testing.deployed import MakeNamespace, deployment, service
from podlab_testing.kubectl import Kubectl


@pytest.fixture(scope="module")
def namespace(make_namespace: MakeNamespace) -> str:
    return make_namespace()


@pytest.fixture(scope="module")
def kubectl(new_kubectl: Path, kubeconfig: Path, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """In a namespace where two pods of Deployment `web` answer behind a Service."""
    made = Kubectl(str(new_kubectl), kubeconfig, tmp_path_factory.mktemp("home")).inside(namespace)
    made("apply", "-f", "-", stdin=f"{deployment('web', 2)}---\n{service('web')}")
    made("rollout", "status", "deployment/web", "--timeout=60s")
    return made


def a_pod(kubectl: Kubectl) -> str:
    """One of `web` that stays."""
    pods = kubectl.items("pods", "-l", "app=web")
    return next(str(each["metadata"]["name"]) for each in pods if "deletionTimestamp" not in each["metadata"])


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("version", r"Server Version: v1\.\d+\."),
        ("get deployment,service,endpointslices", r"deployment\.apps/web +2/2 +2 +2 "),
        ("get pods -o wide -l app=web --sort-by=.metadata.name --show-labels", r"1/1 +Running .*app=web"),
        ("get deployment web -o jsonpath={.status.readyReplicas}", r"^2$"),
        ("get deployment web -o yaml --show-managed-fields", r"manager: kubectl-client-side-apply"),
        ("get deployment web --subresource=scale -o jsonpath={.kind}={.spec.replicas}", r"^Scale=2$"),
        ("get --raw /readyz", r"^ok$"),
        ("describe deployment web", r"(?s)Replicas: +2 desired \| 2 updated.*Scaled up replica set web"),
        ("describe pods -l app=web", r"Readiness: +http-get http://:8080/healthz delay=0s"),
        ("explain deployment.spec.strategy", r"(?s)FIELD: strategy <DeploymentStrategy>.*rollingUpdate"),
        ("explain pods --output=plaintext-openapiv2", r"KIND: +Pod"),
        ("api-resources --api-group=apps", r"deployments +deploy +apps/v1 +true +Deployment"),
        ("api-versions", r"apiextensions\.k8s\.io/v1"),
        ("cluster-info", r"is running at"),
        ("auth can-i create deployments", r"^yes$"),
        ("auth can-i --list", r"\*\.\* +\[\] +\[\] +\[\*\]"),
        ("auth whoami", r"Username +\S+"),
        ("top nodes", r"n1 +\d+m +"),
        ("top pods -l app=web", r"web-\S+ +\d+m +\d+Mi"),
        ("logs deployment/web --all-pods --prefix --tail=1", r"\[pod/web-\S+/web\] "),
        ("exec deployment/web -- sh -c echo\\ hello", r"^hello$"),
        ("wait deployment/web --for=condition=Available --timeout=30s", r"condition met"),
        ("wait deployment/web --for=jsonpath={.status.readyReplicas}=2 --timeout=30s", r"condition met"),
        ("rollout history deployment/web", r"REVISION +CHANGE-CAUSE\n1 +<none>"),
        ("events --for=deployment/web", r"ScalingReplicaSet"),
        ("get events --field-selector=involvedObject.name=web", r"ScalingReplicaSet"),
        ("create token default --duration=1h", r"^ey\S+$"),
        ("create deployment x --image=podlab.local/hello:1.0 --dry-run=server -o name", r"^deployment\.apps/x$"),
        ("create job x --image=podlab.local/hello:1.0 --dry-run=server", r"job\.batch/x created \(server dry run\)"),
        ("get crd --ignore-not-found -o name", r"^(customresourcedefinition\.apiextensions\.k8s\.io/\S+|)$"),
        ("kustomize --help", r"Build a set of KRM resources"),
    ],
)  # fmt: skip
def test_a_command_prints_what_it_should(kubectl: Kubectl, command: str, printed: str) -> None:
    words = [word.replace("\\ ", " ") for word in re.split(r"(?<!\\) ", command)]
    done = kubectl(*words)
    assert re.search(printed, done.stdout.strip(), re.MULTILINE), done.stdout + done.stderr


def test_configurations_are_applied_on_either_side_and_compared(kubectl: Kubectl) -> None:
    def config(value: str) -> str:
        return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": value}})

    assert kubectl.out("apply", "-f", "-", stdin=config("1")) == "configmap/c created"
    assert kubectl.out("apply", "-f", "-", stdin=config("1")) == "configmap/c unchanged"
    compared = kubectl("diff", "-f", "-", stdin=config("2"), check=False)
    assert compared.returncode == 1
    assert '+  a: "2"' in compared.stdout
    assert '+  a: "2"' in kubectl("diff", "--server-side", "-f", "-", stdin=config("2"), check=False).stdout
    assert kubectl.out("apply", "--server-side", "-f", "-", stdin=config("2")) == "configmap/c serverside-applied"
    other = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    assert 'conflict with "kubectl": .data.a' in kubectl.refused(*other, stdin=config("3"))
    kubectl(*other, "--force-conflicts", stdin=config("3"))
    assert kubectl.out("get", "configmap", "c", "-o", "jsonpath={.data.a}") == "3"
    editor = kubectl.with_environment(KUBE_EDITOR="sed -i 's/a: .3./a: \"4\"/'")
    assert editor.out("edit", "configmap", "c") == "configmap/c edited"
    assert kubectl.out("patch", "configmap", "c", "--type=json", "-p", '[{"op":"test","path":"/data/a","value":"4"}]')
    assert kubectl.out("label", "configmap", "c", "tier=front") == "configmap/c labeled"
    assert kubectl.out("replace", "-f", "-", stdin=config("5")) == "configmap/c replaced"
    assert "deleted" in kubectl.out("delete", "configmap", "c")


def test_files_are_copied_there_and_back(kubectl: Kubectl, tmp_path: Path) -> None:
    pod = a_pod(kubectl)
    (tmp_path / "there").write_bytes(bytes(range(256)) * 1000)
    kubectl("cp", str(tmp_path / "there"), f"{pod}:/tmp/there")
    kubectl("cp", f"{pod}:/tmp/there", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == (tmp_path / "there").read_bytes()


def test_a_deployment_rolls_forward_and_back(kubectl: Kubectl) -> None:
    kubectl("set", "image", "deployment/web", "web=podlab.local/hello:1.1")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert kubectl.out("rollout", "undo", "deployment/web") == "deployment.apps/web rolled back"
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert kubectl.out("scale", "deployment/web", "--replicas=1") == "deployment.apps/web scaled"
    assert "autoscaled" in kubectl.out("autoscale", "deployment", "web", "--max=3", "--cpu=80%")
    kubectl("delete", "hpa", "web")


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (("port-forward", "service/web", ":80"), "/"),
        (("proxy", "--port=0"), "/api/v1/namespaces/default"),
    ],
    ids=["port-forward", "proxy"],
)
def test_a_port_of_this_machine_leads_into_the_cluster(kubectl: Kubectl, command: tuple[str, ...], path: str) -> None:
    with subprocess.Popen(
        kubectl.command(*command), env=kubectl.variables(), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}{path}", timeout=10) as answer:
                assert answer.status == 200
        finally:
            process.terminate()


def test_a_pod_is_debugged_by_a_container_of_its_own(kubectl: Kubectl) -> None:
    pod = a_pod(kubectl)
    command = ("--image=podlab.local/hello:1.0", "--target=web", "-c", "look", "--", "sh", "-c", "echo looked")
    kubectl("debug", pod, *command)
    kubectl("wait", f"pod/{pod}", "--for=jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}=0")
    assert kubectl.out("logs", pod, "-c", "look") == "looked"


def test_a_pod_is_run_attached_and_removed(kubectl: Kubectl) -> None:
    command = ("--image=podlab.local/hello:1.0", "--restart=Never", "--rm", "-i", "--command", "--", "echo", "hi")
    said = kubectl.out("run", "once", *command)
    assert said.startswith("hi\n")


def test_a_kind_of_ones_own(kubectl: Kubectl, crontabs: str) -> None:
    body = {"apiVersion": f"{crontabs}/v1", "kind": "CronTab", "metadata": {"name": "a"}, "spec": {"cron": "0 3 * * *"}}
    assert "created" in kubectl.out("apply", "-f", "-", stdin=yaml.safe_dump(body))
    kubectl("scale", f"crontabs.{crontabs}", "a", "--replicas=3")
    assert kubectl.out("get", f"crontabs.{crontabs}", "a", "-o", "jsonpath={.spec.replicas}") == "3"
    assert "should be less than or equal to 9" in kubectl.refused("scale", f"crontabs.{crontabs}", "a", "--replicas=10")
    kubectl("delete", f"crontabs.{crontabs}", "a")
