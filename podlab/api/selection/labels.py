"""Labels and annotations by which objects of different components find each other, under Kubernetes' names.

https://kubernetes.io/docs/reference/labels-annotations-taints/
"""

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
"""On an EndpointSlice: the Service whose endpoints it holds."""

ZONE_LABEL = "topology.kubernetes.io/zone"
"""On a node: the zone that it is in; on a pod: that of its node."""
REGION_LABEL = "topology.kubernetes.io/region"
"""As above, the region."""

KUBELET_PORT_ANNOTATION = "podlab.io/kubelet-port"
"""On a node: the port of its kubelet's gRPC; its status tells that of HTTPS."""

LEGACY_ZONE_LABEL, LEGACY_REGION_LABEL = (
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
)
"""The same under the names that they had before."""
HOSTNAME_LABEL, ARCH_LABEL, OS_LABEL = "kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os"
"""On a node: what it is."""
SKIP_MIRROR_LABEL = "endpointslice.kubernetes.io/skip-mirror"
"""On Endpoints: "true" where nobody is to make EndpointSlices of them."""
REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
"""On a Deployment and its ReplicaSets: which of its templates it has."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""On what was applied by a client: the configuration, as JSON."""

CONTROLLER_UID, JOB_NAME = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
"""On a Job's pods: the Job they belong to."""
LEGACY_CONTROLLER_UID, LEGACY_JOB_NAME = "controller-uid", "job-name"
"""The same under the names that it had before, which users' selectors still have."""
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
"""On a pod: it stands for one that a kubelet runs from its own files, whose hash it is."""
CONFIG_HASH, CONFIG_SOURCE, FILE_SOURCE = "kubernetes.io/config.hash", "kubernetes.io/config.source", "file"
"""On such a pod and what stands for it: what its file says, digested, where it is from; and what is said of files."""

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
"""How often a DaemonSet's template has changed; its pods carry it as a label."""
POD_TEMPLATE_GENERATION = "pod-template-generation"
ADDRESS_MANAGED_BY, ADDRESS_ALLOCATOR = "ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io"
"""The label of IPAddresses that says who keeps them, and its value for those that Services were given."""
