"""kubectl api-resources, api-versions, cluster-info, config, events, proxy, version."""

from __future__ import annotations

import json
import re
import urllib.request

import yaml
from podlab_testing.deployed import IMAGE
from podlab_testing.kubectl import Kubectl


def test_resources_are_listed_with_their_names_groups_and_verbs(administrator: Kubectl) -> None:
    header, *rows = administrator.rows("api-resources", "--no-headers=false")
    assert header == ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
    assert ["pods", "po", "v1", "true", "Pod"] in rows
    assert ["namespaces", "ns", "v1", "false", "Namespace"] in rows
    wide = administrator.rows("api-resources", "-o", "wide", "--api-group=apps")
    (deployments,) = [row for row in wide if row[0] == "deployments"]
    assert deployments[-2:] == ["create,delete,deletecollection,get,list,patch,update,watch", "all"]
    named = administrator.out("api-resources", "-o", "name", "--namespaced=false", "--verbs=list").split()
    assert {"nodes", "namespaces"} <= set(named)
    assert "pods" not in named
    assert "deployments.apps" in administrator.out("api-resources", "-o", "name", "--categories=all").split()


def test_versions_are_listed(administrator: Kubectl) -> None:
    found = administrator.out("api-versions").split()
    assert {"v1", "apps/v1", "discovery.k8s.io/v1", "coordination.k8s.io/v1"} <= set(found)


def test_versions_of_both_sides(administrator: Kubectl) -> None:
    found = administrator.json("version")
    assert (found["serverVersion"]["major"], found["serverVersion"]["minor"]) == ("1", "36")
    assert "Server Version: v1.36" in administrator.out("version")


def test_the_cluster_tells_where_it_is(administrator: Kubectl) -> None:
    server = yaml.safe_load(administrator.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    told = re.sub(r"\x1b\[[\d;]*m", "", administrator.out("cluster-info"))
    assert told.splitlines()[0] == f"Kubernetes control plane is running at {server}"


def test_a_dump_holds_objects_and_logs(kubectl: Kubectl) -> None:
    kubectl("run", "x", f"--image={IMAGE}", "--command", "--", "sh", "-c", "echo xyzzy; sleep 3600")
    kubectl("wait", "pod/x", "--for=condition=Ready", "--timeout=30s")
    told = kubectl.out("cluster-info", "dump", "--namespaces", kubectl.namespace)
    assert "xyzzy\n" in told
    kubectl("cluster-info", "dump", "--namespaces", kubectl.namespace, "--output-directory=dump")
    dumped = json.loads((kubectl.home / "dump" / kubectl.namespace / "pods.json").read_text())
    assert [item["metadata"]["name"] for item in dumped["items"]] == ["x"]
    kubectl("delete", "pod", "x", "--now", "--wait=false")


def test_the_configuration_is_shown_without_its_keys(administrator: Kubectl) -> None:
    shown = yaml.safe_load(administrator.out("config", "view", "--minify"))
    assert shown["users"][0]["user"]["client-key-data"] == "DATA+OMITTED"
    assert administrator.out("config", "current-context") == shown["current-context"]
    assert len(administrator.rows("config", "get-contexts")) == 2


def test_events_are_of_an_object_of_a_type_and_followed(kubectl: Kubectl) -> None:
    kubectl("run", "good", f"--image={IMAGE}")
    kubectl("run", "ghost", "--image=podlab.invalid/none:1")
    kubectl("wait", "pod/good", "--for=condition=Ready", "--timeout=30s")
    with kubectl.running("events", "--for=pod/ghost", "--watch") as following:
        following.until("Failed to pull image")
    header, *rows = kubectl.rows("events", "--for=pod/good")
    assert header == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert sorted(row[2] for row in rows) == ["Created", "Pulled", "Scheduled", "Started"]
    warnings = kubectl.rows("events", "--types=Warning", "--no-headers")
    assert {row[3] for row in warnings} == {"Pod/ghost"}
    assert kubectl.json("events", "--for=pod/good")["items"][0]["involvedObject"]["name"] == "good"
    assert kubectl("events", "--for=pod/nope").stderr.startswith("No events found")
    sources = kubectl.out("get", "events", "--field-selector=involvedObject.name=good,reason=Started", "-o", "name")
    assert len(sources.splitlines()) == 1
    kubectl("delete", "pod", "good", "ghost", "--now", "--wait=false")


def test_a_proxy_passes_plain_http_on(administrator: Kubectl) -> None:
    with administrator.running("proxy", "--port=0") as proxy:
        address = proxy.until("Starting to serve on")[-1].split()[-1]
        with urllib.request.urlopen(f"http://{address}/api/v1/namespaces/default", timeout=10) as answer:
            assert json.load(answer)["metadata"]["name"] == "default"
