"""What the codec costs for an ordinary pod, beside protobuf's own: the best of several rounds, in one process."""

import timeit

import orjson
from google.protobuf import json_format
from podlab_testing import builtin_kinds

from podlab.api import kinds
from podlab.api.serializer import codec, manifest
from podlab.core.v1.pod_pb2 import Pod

ROUNDS, CALLS = 7, 500

PROBE = "httpGet: {path: /, port: http, scheme: HTTP}, timeoutSeconds: 1, periodSeconds: 5, successThreshold: 1"
POD = f"""
apiVersion: v1
kind: Pod
metadata:
  name: hello-6d4cf56db6-x2x4v
  generateName: hello-6d4cf56db6-
  namespace: default
  uid: 8d7a4d51-0b7e-4bd4-a16c-21a0a3a6d0c0
  resourceVersion: "10452"
  creationTimestamp: "2030-01-01T10:00:00Z"
  labels: {{app: hello, pod-template-hash: 6d4cf56db6}}
  ownerReferences:
  - apiVersion: apps/v1
    kind: ReplicaSet
    name: hello-6d4cf56db6
    uid: 0b7e4bd4-2a44-4d8e-8a9c-1f4c2a0d7d11
    controller: true
    blockOwnerDeletion: true
spec:
  nodeName: n1
  restartPolicy: Always
  terminationGracePeriodSeconds: 30
  dnsPolicy: ClusterFirst
  schedulerName: default-scheduler
  tolerations:
  - {{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 300}}
  - {{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 300}}
  volumes:
  - {{name: config, configMap: {{name: hello, defaultMode: 420}}}}
  containers:
  - name: hello
    image: podlab.local/hello:1.0
    imagePullPolicy: IfNotPresent
    ports: [{{name: http, containerPort: 8080, protocol: TCP}}]
    env:
    - {{name: GREETING, valueFrom: {{configMapKeyRef: {{name: hello, key: greeting}}}}}}
    - {{name: NODE_NAME, valueFrom: {{fieldRef: {{apiVersion: v1, fieldPath: spec.nodeName}}}}}}
    resources: {{requests: {{cpu: 50m, memory: 32Mi}}, limits: {{memory: 64Mi}}}}
    volumeMounts: [{{name: config, mountPath: /etc/hello}}]
    readinessProbe: {{{PROBE}, failureThreshold: 3}}
status:
  phase: Running
  hostIP: 10.99.1.21
  podIP: 10.244.1.7
  podIPs: [{{ip: 10.244.1.7}}]
  startTime: "2030-01-01T10:00:00Z"
  qosClass: Burstable
  conditions:
  - {{type: PodScheduled, status: "True", lastTransitionTime: "2030-01-01T10:00:00Z"}}
  - {{type: Initialized, status: "True", lastTransitionTime: "2030-01-01T10:00:00Z"}}
  - {{type: ContainersReady, status: "True", lastTransitionTime: "2030-01-01T10:00:02Z"}}
  - {{type: Ready, status: "True", lastTransitionTime: "2030-01-01T10:00:02Z"}}
  containerStatuses:
  - name: hello
    ready: true
    started: true
    restartCount: 0
    image: podlab.local/hello:1.0
    imageID: sha256:0b7e
    containerID: containerd://3f4e
    state: {{running: {{startedAt: "2030-01-01T10:00:01Z"}}}}
"""


def measure() -> dict[str, float]:
    """Microseconds a call, by name."""
    pod = builtin_kinds.read(manifest.read(POD)[0].data)
    kind = kinds.of(pod)
    data, text, wire = codec.to_dict(pod), codec.to_json(pod), pod.SerializeToString()
    plain = json_format.MessageToDict(pod)
    calls = {
        "codec_pod_to_dict": lambda: codec.to_dict(pod),
        "codec_pod_from_dict": lambda: builtin_kinds.read(data),
        "codec_pod_wire_to_json": lambda: codec.to_json(Pod.FromString(wire)),
        "codec_pod_json_to_wire": lambda: codec.from_dict(orjson.loads(text), kind).SerializeToString(),
        "json_format_pod_to_dict": lambda: json_format.MessageToDict(pod),
        "json_format_pod_from_dict": lambda: json_format.ParseDict(plain, Pod()),
    }
    return {name: min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6 for name, call in calls.items()}


def test_what_a_pod_costs() -> None:
    taken = measure()
    for name, microseconds in taken.items():
        print(f"{name}: {microseconds:.1f} us")
    assert taken["codec_pod_to_dict"] < taken["json_format_pod_to_dict"]
    assert taken["codec_pod_from_dict"] < taken["json_format_pod_from_dict"]
