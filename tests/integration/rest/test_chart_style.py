"""Manifests as charts write them: fields that say nothing, keys without values, defaults spelled out. All are taken."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
import yaml

STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
  labels: &labels {app.kubernetes.io/name: db, app.kubernetes.io/version: "17"}
  annotations:
spec:
  replicas: 1
  serviceName: db-hl
  minReadySeconds: 0
  podManagementPolicy: ""
  persistentVolumeClaimRetentionPolicy: null
  updateStrategy: {type: RollingUpdate, rollingUpdate: {}}
  selector: {matchLabels: *labels}
  template:
    metadata: {labels: *labels, annotations: null}
    spec:
      runtimeClassName: ""
      hostUsers: true
      os: {name: linux}
      hostAliases: []
      imagePullSecrets:
      priorityClassName: ""
      nodeSelector: {}
      affinity: {podAffinity: , nodeAffinity: }
      securityContext: {fsGroup: 1001, supplementalGroups: [], sysctls: [], seLinuxOptions: {}}
      containers:
        - name: db
          image: db:17
          imagePullPolicy: ""
          command: null
          lifecycle: {}
          startupProbe:
          securityContext: {seLinuxOptions: {}, procMount: Default, capabilities: {drop: [ALL]}}
          env: [{name: EMPTY, value: }, {name: A, value: "1"}]
          envFrom:
          ports: [{name: db, containerPort: 5432, hostPort: 0}]
          resources: {limits: {cpu: 0.75, memory: 0.75Gi}, requests: }
          volumeMounts: [{name: data, mountPath: /data, subPathExpr: "", recursiveReadOnly: Disabled}]
          volumeDevices: []
      volumes: [{name: dshm, emptyDir: {medium: Memory}, nfs: null}]
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata: {name: data, labels: }
      spec: {accessModes: [ReadWriteOnce], storageClassName: , dataSource: null, resources: {requests: {storage: 8Gi}}}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  clusterIP:
  externalIPs: []
  loadBalancerIP: ""
  loadBalancerSourceRanges: []
  sessionAffinity: None
  sessionAffinityConfig: {}
  externalTrafficPolicy: Cluster
  ports: [{name: http, port: 80, targetPort: http, nodePort: null, appProtocol: http}]
  selector: {a: b}
"""
# On the node's network the ports of a template stay open: pods get them.
EXPORTER = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: exporter}
spec:
  updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1}}
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      hostNetwork: true
      hostPID: true
      tolerations: [{effect: NoSchedule, operator: Exists}]
      containers:
        - name: exporter
          image: exporter:1
          ports: [{name: metrics, containerPort: 9100, protocol: TCP}]
          livenessProbe: {httpGet: {httpHeaders: , path: /, port: metrics, scheme: HTTP}, successThreshold: 1}
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  KEY:\n  OTHER: ''\nbinaryData: {}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: Opaque\ndata:\n  empty:\nstringData:\n  KEY:\n"
QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: q}
spec: {hard: {requests.cpu: "4", requests.nvidia.com/gpu: 4, services.loadbalancers: "2"}, scopes: null}
"""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/apis/apps/v1/namespaces/default/statefulsets", STATEFUL),
        ("/apis/apps/v1/namespaces/default/daemonsets", EXPORTER),
        ("/api/v1/namespaces/default/services", SERVICE),
        ("/api/v1/namespaces/default/configmaps", CONFIG),
        ("/api/v1/namespaces/default/secrets", SECRET),
        ("/api/v1/namespaces/default/resourcequotas", QUOTA),
    ],
    ids=["StatefulSet", "DaemonSet", "Service", "ConfigMap", "Secret", "ResourceQuota"],
)
async def test_it_is_made_and_replaced_without_a_word(http: aiohttp.ClientSession, path: str, text: str) -> None:
    sent: Any = yaml.safe_load(text)
    async with http.post(f"{path}?fieldValidation=Strict", json=sent) as response:
        made = await response.json()
        assert (response.status, response.headers.getall("Warning", [])) == (201, []), made
    sent["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    body, form = yaml.safe_dump(sent), {"Content-Type": "application/yaml"}
    name = sent["metadata"]["name"]
    async with http.put(f"{path}/{name}?fieldValidation=Strict", data=body, headers=form) as response:
        again = await response.json()
        assert (response.status, again["metadata"]["resourceVersion"]) == (200, made["metadata"]["resourceVersion"]), (
            again
        )
