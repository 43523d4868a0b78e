"""A pod's binary form is Kubernetes' own: put together byte by byte from the field numbers that it publishes.

The numbers stand here a second time on purpose: a field that is renumbered, or changes its type, fails.
"""

from podlab_testing.wire_format import TIME, TIME_JSON, assert_same, blob, metadata, number, pair

from podlab.core.v1.pod_pb2 import Pod

PROBE = b"".join(
    [
        blob(1, blob(2, blob(1, "/ready"), blob(2, number(1, 1), blob(3, "http")), blob(4, "HTTPS"))),
        b"".join(number(field, field * 10) for field in range(2, 8)),
    ]
)
CONTAINER = b"".join(
    [
        blob(1, "c"),
        blob(2, "hello:1"),
        blob(3, "sh"),
        blob(4, "-c"),
        blob(5, "/tmp"),
        blob(6, blob(1, "http"), number(2, 80), number(3, 8080), blob(4, "TCP"), blob(5, "10.0.0.1")),
        blob(7, blob(1, "A"), blob(2, "b")),
        blob(7, blob(1, "N"), blob(3, blob(1, blob(2, "metadata.name")))),
        blob(7, blob(1, "S"), blob(3, blob(4, blob(1, blob(1, "keys")), blob(2, "k"), number(3, 1)))),
        blob(
            8, pair(1, "cpu", blob(1, "2")), pair(2, "memory", blob(1, "64Mi")), blob(3, blob(1, "gpu"), blob(2, "r"))
        ),
        blob(9, blob(1, "data"), number(2, 1), blob(3, "/data"), blob(4, "sub"), blob(5, "None"), blob(6, "x")),
        blob(11, PROBE),
        blob(12, blob(2, blob(1, blob(1, "stop")))),
        blob(14, "IfNotPresent"),
        blob(15, blob(1, blob(2, "ALL")), number(2, 0), number(4, 1000), number(5, 1), number(6, 1), number(7, 0)),
        blob(19, blob(2, blob(1, blob(1, "settings")))),
        blob(20, "File"),
        blob(24, "Always"),
    ]
)
CONTAINER_JSON = {
    "name": "c",
    "image": "hello:1",
    "command": ["sh"],
    "args": ["-c"],
    "workingDir": "/tmp",
    "ports": [{"name": "http", "hostPort": 80, "containerPort": 8080, "protocol": "TCP", "hostIP": "10.0.0.1"}],
    "env": [
        {"name": "A", "value": "b"},
        {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k", "optional": True}}},
    ],
    "resources": {
        "limits": {"cpu": "2"},
        "requests": {"memory": "64Mi"},
        "claims": [{"name": "gpu", "request": "r"}],
    },
    "volumeMounts": [
        {
            "name": "data",
            "readOnly": True,
            "mountPath": "/data",
            "subPath": "sub",
            "mountPropagation": "None",
            "subPathExpr": "x",
        }
    ],
    "readinessProbe": {
        "httpGet": {"path": "/ready", "port": "http", "scheme": "HTTPS"},
        "initialDelaySeconds": 20,
        "timeoutSeconds": 30,
        "periodSeconds": 40,
        "successThreshold": 50,
        "failureThreshold": 60,
        "terminationGracePeriodSeconds": 70,
    },
    "lifecycle": {"preStop": {"exec": {"command": ["stop"]}}},
    "imagePullPolicy": "IfNotPresent",
    "securityContext": {
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "runAsUser": 1000,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
    },
    "envFrom": [{"configMapRef": {"name": "settings"}}],
    "terminationMessagePolicy": "File",
    "restartPolicy": "Always",
}
POD_SPEC = b"".join(
    [
        blob(1, blob(1, "data"), blob(2, blob(19, blob(1, blob(1, "settings")), blob(2, blob(1, "k"), blob(2, "f"))))),
        blob(1, blob(1, "tmp"), blob(2, blob(2, blob(1, "Memory"), blob(2, blob(1, "1Mi"))))),
        blob(1, blob(1, "keys"), blob(2, blob(6, blob(1, "keys"), number(3, 0o600), number(4, 1)))),
        blob(1, blob(1, "host"), blob(2, blob(1, blob(1, "/var"), blob(2, "Directory")))),
        blob(
            1, blob(1, "own"), blob(2, blob(29, blob(1, blob(1, pair(11, "a", "b")), blob(2, blob(1, "M"), blob(2)))))
        ),
        blob(2, CONTAINER),
        blob(3, "Never"),
        number(4, 5),
        number(5, 60),
        blob(6, "Default"),
        pair(7, "disk", "ssd"),
        blob(10, "n1"),
        number(11, 1),
        blob(
            14,
            number(2, 1),
            number(4, 10),
            number(4, 11),
            number(5, 12),
            number(6, 13),
            blob(9, "Always"),
            blob(12, "Merge"),
        ),
        blob(
            18,
            blob(1, blob(2, number(1, 7), blob(2, blob(1, blob(1, "zone"), blob(2, "NotIn"), blob(3, "z"))))),
        ),
        blob(19, "default-scheduler"),
        blob(20, blob(1, "init"), blob(8)),
        blob(22, blob(1, "k"), blob(2, "Equal"), blob(3, "v"), blob(4, "NoExecute"), number(5, 300)),
        blob(23, blob(1, "10.0.0.1"), blob(2, "db")),
        number(25, 100),
        number(30, 0),
        blob(39, blob(1, "gpu"), blob(4, "one-gpu")),
        blob(39, blob(1, "shared"), blob(3, "all-gpus")),
    ]
)
POD_SPEC_JSON = {
    "volumes": [
        {"name": "data", "configMap": {"name": "settings", "items": [{"key": "k", "path": "f"}]}},
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "keys", "secret": {"secretName": "keys", "defaultMode": 0o600, "optional": True}},
        {"name": "host", "hostPath": {"path": "/var", "type": "Directory"}},
        {
            "name": "own",
            "ephemeral": {
                "volumeClaimTemplate": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"accessModes": ["M"], "resources": {}},
                }
            },
        },
    ],
    "containers": [CONTAINER_JSON],
    "restartPolicy": "Never",
    "terminationGracePeriodSeconds": 5,
    "activeDeadlineSeconds": 60,
    "dnsPolicy": "Default",
    "nodeSelector": {"disk": "ssd"},
    "nodeName": "n1",
    "hostNetwork": True,
    "securityContext": {
        "runAsUser": 1,
        "supplementalGroups": [10, 11],
        "fsGroup": 12,
        "runAsGroup": 13,
        "fsGroupChangePolicy": "Always",
        "supplementalGroupsPolicy": "Merge",
    },
    "affinity": {
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 7,
                    "preference": {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["z"]}]},
                }
            ]
        }
    },
    "schedulerName": "default-scheduler",
    "initContainers": [{"name": "init", "resources": {}}],
    "tolerations": [{"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 300}],
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db"]}],
    "priority": 100,
    "enableServiceLinks": False,
    "resourceClaims": [
        {"name": "gpu", "resourceClaimTemplateName": "one-gpu"},
        {"name": "shared", "resourceClaimName": "all-gpus"},
    ],
}
TERMINATED = blob(3, number(1, 137), number(2, 9), blob(3, "Error"), blob(5, TIME), blob(6, TIME), blob(7, "cri://1"))
POD_STATUS = b"".join(
    [
        blob(1, "Running"),
        blob(2, blob(1, "Ready"), blob(2, "True"), blob(4, TIME), blob(5, "R"), blob(6, "m")),
        blob(3, "m"),
        blob(4, "r"),
        blob(5, "10.0.0.1"),
        blob(6, "10.1.0.1"),
        blob(7, TIME),
        blob(
            8,
            blob(1, "c"),
            blob(2, blob(2, blob(1, TIME))),
            blob(3, TERMINATED),
            number(4, 1),
            number(5, 3),
            blob(6, "hello:1"),
            blob(7, "sha256:1"),
            blob(8, "cri://2"),
            number(9, 1),
        ),
        blob(9, "Burstable"),
        blob(12, blob(1, "10.1.0.1")),
        blob(16, blob(1, "10.0.0.1")),
    ]
)
POD_STATUS_JSON = {
    "phase": "Running",
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": TIME_JSON,
            "reason": "R",
            "message": "m",
        }
    ],
    "message": "m",
    "reason": "r",
    "hostIP": "10.0.0.1",
    "podIP": "10.1.0.1",
    "startTime": TIME_JSON,
    "containerStatuses": [
        {
            "name": "c",
            "state": {"running": {"startedAt": TIME_JSON}},
            "lastState": {
                "terminated": {
                    "exitCode": 137,
                    "signal": 9,
                    "reason": "Error",
                    "startedAt": TIME_JSON,
                    "finishedAt": TIME_JSON,
                    "containerID": "cri://1",
                }
            },
            "ready": True,
            "restartCount": 3,
            "image": "hello:1",
            "imageID": "sha256:1",
            "containerID": "cri://2",
            "started": True,
        }
    ],
    "qosClass": "Burstable",
    "podIPs": [{"ip": "10.1.0.1"}],
    "hostIPs": [{"ip": "10.0.0.1"}],
}


def test_a_pod_reads_from_and_writes_to_kubernetes_bytes() -> None:
    wire = metadata("web") + blob(2, POD_SPEC) + blob(3, POD_STATUS)
    assert_same(Pod, wire, {"metadata": {"name": "web"}, "spec": POD_SPEC_JSON, "status": POD_STATUS_JSON})
