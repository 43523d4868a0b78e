import pytest
from podlab_testing.builtin_kinds import apply_defaults

from podlab.core.v1 import pod_pb2
from podlab.kinds.defaults.pod import pull_policy

PROBE = {"handler": {"httpGet": {"port": {"intVal": 80}}}}


def defaulted(**spec: object) -> pod_pb2.PodSpec:
    fields = {"containers": [{"name": "web", "image": "hello:1.0"}], **spec}
    pod = pod_pb2.Pod(spec=pod_pb2.PodSpec(**fields))  # type: ignore[arg-type]
    apply_defaults(pod)
    once = pod_pb2.Pod()
    once.CopyFrom(pod)
    apply_defaults(pod)
    assert pod == once, "applying defaults again changes nothing"
    return pod.spec


def test_a_plain_pod_gets_what_kubernetes_documents() -> None:
    spec = defaulted()
    assert (spec.restartPolicy, spec.dnsPolicy, spec.schedulerName) == ("Always", "ClusterFirst", "default-scheduler")
    assert (spec.terminationGracePeriodSeconds, spec.enableServiceLinks) == (30, True)
    assert spec.HasField("securityContext")
    container = spec.containers[0]
    assert container.imagePullPolicy == "IfNotPresent"
    assert (container.terminationMessagePath, container.terminationMessagePolicy) == ("/dev/termination-log", "File")


def test_what_was_said_stays() -> None:
    spec = defaulted(restartPolicy="Never", terminationGracePeriodSeconds=0, enableServiceLinks=False)
    assert (spec.restartPolicy, spec.terminationGracePeriodSeconds, spec.enableServiceLinks) == ("Never", 0, False)


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("hello", "Always"),
        ("hello:latest", "Always"),
        ("hello:1.0", "IfNotPresent"),
        ("registry:5000/hello", "Always"),
        ("registry:5000/team/hello:1.0", "IfNotPresent"),
        ("hello@sha256:0123", "IfNotPresent"),
        ("hello:latest@sha256:0123", "IfNotPresent"),
    ],
)
def test_an_image_whose_tag_moves_is_always_pulled(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_probes_and_hooks_get_their_numbers_path_and_scheme() -> None:
    hook = {"preStop": {"httpGet": {"port": {"intVal": 80}}}}
    web = {"name": "web", "image": "hello:1.0", "livenessProbe": PROBE, "lifecycle": hook}
    container = defaulted(containers=[web]).containers[0]
    probe = container.livenessProbe
    assert (probe.timeoutSeconds, probe.periodSeconds, probe.successThreshold, probe.failureThreshold) == (1, 10, 1, 3)
    assert (probe.handler.httpGet.path, probe.handler.httpGet.scheme) == ("/", "HTTP")
    assert container.lifecycle.preStop.httpGet.scheme == "HTTP"
    assert not container.HasField("readinessProbe")


def test_requests_default_to_limits_and_init_containers_count() -> None:
    resources = {
        "limits": {"cpu": {"string": "1"}, "memory": {"string": "64Mi"}},
        "requests": {"cpu": {"string": "100m"}},
    }
    spec = defaulted(initContainers=[{"name": "init", "image": "hello", "resources": resources}])
    requests = spec.initContainers[0].resources.requests
    assert {name: quantity.string for name, quantity in requests.items()} == {"cpu": "100m", "memory": "64Mi"}


def test_volumes_get_a_source_and_modes() -> None:
    named = [
        {"name": "a"},
        {"name": "b", "volumeSource": {"secret": {"secretName": "s"}}},
        {"name": "c", "volumeSource": {"configMap": {"defaultMode": 0o400}}},
        {"name": "d", "volumeSource": {"hostPath": {"path": "/x"}}},
    ]
    sources = [volume.volumeSource for volume in defaulted(volumes=named).volumes]
    assert sources[0].HasField("emptyDir")
    assert sources[1].secret.defaultMode == 0o644
    assert sources[2].configMap.defaultMode == 0o400
    assert sources[3].hostPath.HasField("type")


def test_ports_speak_tcp_and_are_the_hosts_on_the_hosts_network() -> None:
    web = {"name": "web", "image": "hello", "ports": [{"containerPort": 80}]}
    assert defaulted(containers=[web]).containers[0].ports[0].hostPort == 0
    port = defaulted(containers=[web], hostNetwork=True).containers[0].ports[0]
    assert (port.protocol, port.hostPort) == ("TCP", 80)
