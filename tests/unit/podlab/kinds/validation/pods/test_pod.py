from collections.abc import Callable
from typing import Any

import pytest

from podlab.core.v1 import pod_pb2

Build = Callable[..., pod_pb2.Pod]
Found = Callable[..., list[str]]

WEB = {"name": "web", "image": "hello:1.0"}
PROBE = {"handler": {"tcpSocket": {"port": {"intVal": 80}}}}
TEMPLATE = "spec.volumes[0].ephemeral.volumeClaimTemplate"


def own_claim(name: str = "data", metadata: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """An ephemeral volume."""
    whole = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": {"string": "1Gi"}}}, **spec}
    template = {"metadata": metadata or {}, "spec": whole}
    return {"name": name, "volumeSource": {"ephemeral": {"volumeClaimTemplate": template}}}


def test_a_plain_pod_is_fine(found: Found, pod: Build) -> None:
    assert found(pod()) == []


def test_a_rich_pod_is_fine(found: Found, pod: Build) -> None:
    rich = pod(
        initContainers=[
            {**WEB, "name": "setup"},
            {**WEB, "name": "sidecar", "restartPolicy": "Always", "startupProbe": PROBE},
        ],
        containers=[
            {
                **WEB,
                "ports": [{"name": "http", "containerPort": 80, "hostPort": 8080}],
                "env": [
                    {"name": "A.b-c", "value": "1"},
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
                    {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                ],
                "envFrom": [{"secretRef": {"localObjectReference": {"name": "s"}}}],
                "volumeMounts": [{"name": "data", "mountPath": "/data", "subPath": "a/b"}],
                "livenessProbe": {"handler": {"httpGet": {"path": "/", "port": {"type": 1, "strVal": "http"}}}},
                "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
                "resources": {"limits": {"cpu": {"string": "500m"}, "memory": {"string": "64Mi"}}},
            }
        ],
        volumes=[
            {"name": "data"},
            {"name": "conf", "volumeSource": {"configMap": {"localObjectReference": {"name": "c"}}}},
        ],
        tolerations=[{"operator": "Exists"}, {"key": "a", "effect": "NoExecute", "tolerationSeconds": 5}],
        nodeSelector={"disk": "ssd"},
        hostname="web",
        activeDeadlineSeconds=60,
    )
    assert found(rich) == []


def test_a_pod_with_users_of_its_own_may_see_all_of_proc(found: Found, pod: Build) -> None:
    unmasked = {**WEB, "securityContext": {"procMount": "Unmasked"}}
    assert found(pod(containers=[unmasked], hostUsers=False)) == []


def test_a_pod_with_users_of_its_own_has_no_block_devices(found: Found, pod: Build) -> None:
    volume = {"name": "d", "volumeSource": {"persistentVolumeClaim": {"claimName": "d"}}}
    box = {**WEB, "volumeDevices": [{"name": "d", "devicePath": "/dev/d"}]}
    assert found(pod(containers=[box], volumes=[volume], hostUsers=False)) == [
        "spec.containers[0].volumeDevices: Forbidden: when `hostUsers` is false"
    ]


def test_everything_that_is_wrong_is_told_at_once(found: Found) -> None:
    bad = pod_pb2.Pod()
    bad.metadata.name = "A_b"
    bad.metadata.namespace = "default"
    bad.metadata.labels["-x"] = "y"
    bad.spec.containers.add(name="web")
    bad.spec.restartPolicy = "Sometimes"
    told = found(bad)
    assert [line.partition(": ")[0] for line in told] == [
        "metadata.name",
        "metadata.labels",
        "spec.containers[0].image",
        "spec.restartPolicy",
    ]
    assert told[0].startswith('metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain must consist of')
    assert told[2] == "spec.containers[0].image: Required value"
    assert told[3] == (
        'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'
    )


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"containers": []}, "spec.containers: Required value"),
        ({"containers": [WEB, WEB]}, 'spec.containers[1].name: Duplicate value: "web"'),
        ({"initContainers": [WEB]}, 'spec.initContainers[0].name: Duplicate value: "web"'),
        (
            {"containers": [{**WEB, "restartPolicy": "Perhaps"}]},
            'containers[0].restartPolicy: Unsupported value: "Perhaps"',
        ),
        (
            {"initContainers": [{**WEB, "name": "init", "restartPolicy": "Seldom"}]},
            'spec.initContainers[0].restartPolicy: Unsupported value: "Seldom"',
        ),
        (
            {"initContainers": [{**WEB, "name": "init", "readinessProbe": PROBE}]},
            "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without",
        ),
        (
            {"terminationGracePeriodSeconds": -1},
            "spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater",
        ),
        ({"hostUsers": False, "hostNetwork": True}, "spec.hostNetwork: Forbidden: when `hostUsers` is false"),
        ({"hostUsers": False, "hostPID": True}, "spec.hostPID: Forbidden: when `hostUsers` is false"),
        ({"hostUsers": False, "hostIPC": True}, "spec.hostIPC: Forbidden: when `hostUsers` is false"),
        (
            {"containers": [{**WEB, "securityContext": {"procMount": "Unmasked"}}], "hostUsers": True},
            'spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use',
        ),
        (
            {"containers": [{**WEB, "securityContext": {"procMount": "Half"}}], "hostUsers": False},
            'containers[0].securityContext.procMount: Unsupported value: "Half": supported values: "Default"',
        ),
        ({"activeDeadlineSeconds": 0}, "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and"),
        ({"dnsPolicy": "Mine"}, 'spec.dnsPolicy: Unsupported value: "Mine"'),
        ({"dnsPolicy": "None"}, "spec.dnsConfig.nameservers: Required value: must provide at least one DNS"),
        (
            {"dnsConfig": {"nameservers": ["x"]}},
            'spec.dnsConfig.nameservers[0]: Invalid value: "x": must be a valid IP',
        ),
        ({"hostname": "Web.x"}, 'spec.hostname: Invalid value: "Web.x": a lowercase RFC 1123 label'),
        ({"hostAliases": [{"ip": "1.2.3"}]}, 'spec.hostAliases[0].ip: Invalid value: "1.2.3": must be a valid IP'),
        ({"nodeSelector": {"a": "b c"}}, 'spec.nodeSelector: Invalid value: "b c": a valid label must be'),
        ({"tolerations": [{"key": "a", "operator": "In"}]}, 'spec.tolerations[0].operator: Unsupported value: "In"'),
        ({"tolerations": [{}]}, 'spec.tolerations[0].operator: Invalid value: "": operator must be Exists'),
        (
            {"tolerations": [{"key": "a", "tolerationSeconds": 5}]},
            "spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute'",
        ),
        ({"tolerations": [{"key": "a", "effect": "No"}]}, 'spec.tolerations[0].effect: Unsupported value: "No"'),
        ({"shareProcessNamespace": True, "hostPID": True}, "spec.shareProcessNamespace: Invalid value: true"),
        ({"securityContext": {"runAsUser": -1}}, "spec.securityContext.runAsUser: Invalid value: -1: must be between"),
        ({"volumes": [{"name": "a"}, {"name": "a"}]}, 'spec.volumes[1].name: Duplicate value: "a"'),
        ({"volumes": [{}]}, "spec.volumes[0].name: Required value"),
        (
            {"volumes": [{"name": "a", "volumeSource": {"emptyDir": {}, "hostPath": {"path": "/x"}}}]},
            "spec.volumes[0].emptyDir: Forbidden: may not specify more than 1 volume type",
        ),
        (
            {"volumes": [{"name": "a", "volumeSource": {"hostPath": {"path": "/x/../y", "type": "Pipe"}}}]},
            "spec.volumes[0].hostPath.path: Invalid value: \"/x/../y\": must not contain '..'",
        ),
        (
            {"volumes": [{"name": "a", "volumeSource": {"secret": {"secretName": "s", "defaultMode": 0o1000}}}]},
            "spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777",
        ),
        (
            {"volumes": [{"name": "a", "volumeSource": {"configMap": {}}}]},
            "spec.volumes[0].configMap.name: Required value",
        ),
        ({"volumes": [{"name": "a", "volumeSource": {"ephemeral": {}}}]}, f"{TEMPLATE}: Required value"),
        ({"volumes": [own_claim(metadata={"name": "mine"})]}, f"{TEMPLATE}.metadata.name: Forbidden: cannot be set"),
        ({"volumes": [own_claim(accessModes=[])]}, f"{TEMPLATE}.spec.accessModes: Required value: at least 1"),
        (
            {"securityContext": {"fsGroupChangePolicy": "Never"}},
            'spec.securityContext.fsGroupChangePolicy: Unsupported value: "Never": supported values: "Always"',
        ),
        (
            {"securityContext": {"supplementalGroupsPolicy": "Some"}},
            'spec.securityContext.supplementalGroupsPolicy: Unsupported value: "Some": supported values: "Merge", '
            '"Strict"',
        ),
        (
            {
                "affinity": {
                    "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
                }
            },
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required",
        ),
    ],
)
def test_a_bad_spec_is_told_by_path_and_rule(found: Found, pod: Build, spec: dict[str, Any], told: str) -> None:
    assert told in found(pod(**spec))[0]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "Web"}, '[0].name: Invalid value: "Web": a lowercase RFC 1123 label must consist of'),
        ({"image": " x"}, '[0].image: Invalid value: " x": must not have leading or trailing whitespace'),
        ({"imagePullPolicy": "Maybe"}, '[0].imagePullPolicy: Unsupported value: "Maybe"'),
        ({"ports": [{}]}, "[0].ports[0].containerPort: Required value"),
        ({"ports": [{"containerPort": 70000}]}, "Invalid value: 70000: must be between 1 and 65535, inclusive"),
        ({"ports": [{"containerPort": 80, "protocol": "ICMP"}]}, '[0].ports[0].protocol: Unsupported value: "ICMP"'),
        (
            {"ports": [{"containerPort": 80, "name": "p"}, {"containerPort": 81, "name": "p"}]},
            '[0].ports[1].name: Duplicate value: "p"',
        ),
        (
            {"ports": [{"containerPort": 80, "hostPort": 8000}, {"containerPort": 81, "hostPort": 8000}]},
            '[0].ports[1].hostPort: Duplicate value: "TCP//8000"',
        ),
        ({"env": [{"name": "A=B"}]}, '[0].env[0].name: Invalid value: "A=B": a valid environment variable name'),
        ({"env": [{"value": "x"}]}, "[0].env[0].name: Required value"),
        (
            {"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            '[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.secret"}}}]},
            '[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.secret"',
        ),
        ({"envFrom": [{}]}, '[0].envFrom[0]: Invalid value: "": must specify one of'),
        ({"volumeMounts": [{"name": "no", "mountPath": "/x"}]}, '[0].volumeMounts[0].name: Not found: "no"'),
        ({"volumeMounts": [{"name": "data"}]}, "[0].volumeMounts[0].mountPath: Required value"),
        (
            {"volumeMounts": [{"name": "data", "mountPath": "/x"}, {"name": "data", "mountPath": "/x"}]},
            '[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique',
        ),
        (
            {"volumeMounts": [{"name": "data", "mountPath": "/x", "subPath": "/abs"}]},
            '[0].volumeMounts[0].subPath: Invalid value: "/abs": must be a relative path',
        ),
        (
            {"volumeMounts": [{"name": "data", "mountPath": "/x", "subPath": "a", "subPathExpr": "b"}]},
            '[0].subPathExpr: Invalid value: "b": subPathExpr and subPath are mutually exclusive',
        ),
        (
            {"volumeMounts": [{"name": "data", "mountPath": "/x", "subPathExpr": "../$(A)"}]},
            "[0].subPathExpr: Invalid value: \"../$(A)\": must not contain '..'",
        ),
        (
            {"volumeMounts": [{"name": "data", "mountPath": "/x", "mountPropagation": "Sideways"}]},
            '[0].mountPropagation: Unsupported value: "Sideways": supported values: "Bidirectional"',
        ),
        (
            {"volumeMounts": [{"name": "data", "mountPath": "/x", "mountPropagation": "Bidirectional"}]},
            "[0].mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged",
        ),
        ({"resources": {"limits": {"cpu": {"string": "fast"}}}}, '[0].resources.limits[cpu]: Invalid value: "fast"'),
        ({"resources": {"requests": {"memory": {"string": "-1Mi"}}}}, 'Invalid value: "-1Mi": must be greater than or'),
        (
            {"resources": {"limits": {"cpu": {"string": "1"}}, "requests": {"cpu": {"string": "1001m"}}}},
            '[0].resources.requests: Invalid value: "1001m": must be less than or equal to cpu limit of 1',
        ),
        (
            {"resources": {"limits": {"gpu": {"string": "1"}}}},
            '[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
        ),
        (
            {"resources": {"requests": {"example.com/gpu": {"string": "1"}}}},
            "[0].resources.limits: Required value: Limit must be set for non overcommitable resources",
        ),
        ({"livenessProbe": {}}, "[0].livenessProbe: Required value: must specify a handler type"),
        (
            {"livenessProbe": {**PROBE, "successThreshold": 2}},
            "[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            {"readinessProbe": {**PROBE, "periodSeconds": -1}},
            "[0].readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"readinessProbe": {"handler": {"grpc": {"port": 0}}}},
            "[0].readinessProbe.grpc.port: Invalid value: 0: must be between 1 and 65535",
        ),
        ({"startupProbe": {"handler": {"exec": {}}}}, "[0].startupProbe.exec.command: Required value"),
        (
            {"startupProbe": {"handler": {"exec": {"command": ["a"]}, "grpc": {"port": 1}}}},
            "[0].startupProbe.grpc: Forbidden: may not specify more than 1 handler type",
        ),
        (
            {"lifecycle": {"preStop": {"sleep": {"seconds": 60}}}},
            "[0].lifecycle.preStop.sleep.seconds: Invalid value: 60",
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Localhost"}}},
            "[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is "
            "Localhost",
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "../x"}}},
            "[0].securityContext.seccompProfile.localhostProfile: Invalid value: \"../x\": must not contain '..'",
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Unconfined", "localhostProfile": "x"}}},
            '[0].securityContext.seccompProfile.localhostProfile: Invalid value: "x": can only be set when seccomp '
            "type is Localhost",
        ),
        (
            {"securityContext": {"appArmorProfile": {"type": "Localhost"}}},
            "[0].securityContext.appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is "
            "Localhost",
        ),
        (
            {"securityContext": {"appArmorProfile": {"type": "Localhost", "localhostProfile": " x"}}},
            '[0].securityContext.appArmorProfile.localhostProfile: Invalid value: " x": must not be padded with '
            "whitespace",
        ),
        (
            {"securityContext": {"appArmorProfile": {"type": "Loose"}}},
            '[0].securityContext.appArmorProfile.type: Unsupported value: "Loose"',
        ),
        (
            {"securityContext": {"seccompProfile": {}}},
            "[0].securityContext.seccompProfile.type: Required value: type is required when seccompProfile is set",
        ),
        (
            {"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
            "[0].securityContext.allowPrivilegeEscalation: Invalid value: false: cannot set",
        ),
    ],
)
def test_a_bad_container_is_told_by_path_and_rule(
    found: Found, container: Build, fields: dict[str, Any], told: str
) -> None:
    lines = found(container(**fields))
    assert len(lines) == 1
    assert told in lines[0]


def test_settings_of_the_kernel_are_the_pods_own_and_each_is_named_once(found: Found, pod: Build) -> None:
    names = ["foo-", "kernel.shmmax", "safe-and-unsafe", "bar..", "", "kernel.shmmax"]
    context = {"sysctls": [{"name": name, "value": "1"} for name in names]}
    told = found(pod(securityContext=context))
    where = "spec.securityContext.sysctls"
    for line, start in zip(
        told,
        (
            f'{where}[0].name: Invalid value: "foo-": must have at most 253 characters',
            f'{where}[3].name: Invalid value: "bar..": must have',
            f"{where}[4].name: Required value",
            f'{where}[5].name: Duplicate value: "kernel.shmmax"',
        ),
        strict=True,
    ):
        assert line.startswith(start)
    assert not any("safe-and-unsafe" in line for line in told)
    shared = {"sysctls": [{"name": "net/ipv4/tcp_rmem", "value": "1"}, {"name": "kernel.sem", "value": "1"}]}
    assert found(pod(hostNetwork=True, securityContext=shared)) == [
        f"{where}[0].name: Invalid value: \"net/ipv4/tcp_rmem\": may not be specified when 'hostNetwork' is set to true"
    ]
    assert found(pod(hostIPC=True, securityContext=shared)) == [
        f"{where}[1].name: Invalid value: \"kernel.sem\": may not be specified when 'hostIPC' is set to true"
    ]


def test_the_name_of_an_ephemeral_volumes_claim_must_be_one(found: Found, pod: Build) -> None:
    assert found(pod(volumes=[own_claim()])) == []
    given = pod(volumes=[own_claim("x" * 63)])
    given.metadata.name = "w" * 200
    [told] = found(given)
    assert told.startswith(f'spec.volumes[0].name: Invalid value: "{"x" * 63}": PVC name "www')
    assert "must be no more than 253" in told


def test_host_ports_follow_the_network_of_the_host(found: Found, pod: Build) -> None:
    ports = [{"containerPort": 80, "hostPort": 81}]
    told = found(pod(hostNetwork=True, containers=[{**WEB, "ports": ports}]))
    assert told == [
        "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true"
    ]


def test_images_may_change_and_tolerations_be_added(found: Found, pod: Build) -> None:
    new = pod(containers=[{**WEB, "image": "hello:1.1"}], tolerations=[{"key": "a", "operator": "Exists"}])
    assert found(new, pod()) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {"hostNetwork": True}, "spec: Forbidden: pod updates may not change fields other than"),
        ({}, {"hostNetwork": True}, "changed: hostNetwork"),
        ({}, {"containers": [{**WEB, "command": ["sh"]}]}, "changed: containers"),
        (
            {"tolerations": [{"key": "a", "operator": "Exists"}]},
            {},
            "spec.tolerations: Forbidden: existing toleration can not be modified",
        ),
        ({"activeDeadlineSeconds": 5}, {"activeDeadlineSeconds": 6}, "must be less than or equal to previous value"),
        ({"activeDeadlineSeconds": 5}, {}, "spec.activeDeadlineSeconds: Invalid value: null: must not update from"),
    ],
)
def test_the_rest_of_a_pods_spec_stays(
    found: Found, pod: Build, before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    lines = found(pod(**after), pod(**before))
    assert len(lines) == 1
    assert told in lines[0]
