"""Fields of Kubernetes' types that Podlab does not implement: refused by name, so nobody hopes for their effect."""

# Written by servers into what they export; meaningless in what a user sends.
IGNORED: dict[str, frozenset[str]] = {
    "podlab.meta.v1.ObjectMeta": frozenset({"managedFields", "selfLink"}),
    # As the template of a StatefulSet it may say so all the same.
    "podlab.core.v1.PersistentVolumeClaim": frozenset({"apiVersion", "kind"}),
    "podlab.meta.v1.DeleteOptions": frozenset({"ignoreStoreReadErrorWithClusterBreakingPotential"}),
}

_CONTAINER_STATUS = "allocatedResources allocatedResourcesStatus resources user volumeMounts stopSignal"
_VOLUME_SOURCES = (
    "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker"
    " gcePersistentDisk gitRepo glusterfs image iscsi nfs photonPersistentDisk portworxVolume"
    " quobyte rbd scaleIO storageos vsphereVolume"
)

UNSUPPORTED: dict[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "podlab.core.v1.PodSpec": (
            "runtimeClassName setHostnameAsFQDN os hostUsers resourceClaims resources hostnameOverride"
        ),
        "podlab.core.v1.EphemeralContainer": "volumeDevices resizePolicy restartPolicyRules",
        "podlab.core.v1.Container": "volumeDevices resizePolicy restartPolicyRules",
        "podlab.core.v1.SecurityContext": "seLinuxOptions procMount windowsOptions appArmorProfile",
        "podlab.core.v1.PodSecurityContext": (
            "seLinuxOptions windowsOptions sysctls appArmorProfile seLinuxChangePolicy"
        ),
        "podlab.core.v1.SeccompProfile": "localhostProfile",
        "podlab.core.v1.Volume": _VOLUME_SOURCES,
        "podlab.core.v1.VolumeProjection": "clusterTrustBundle podCertificate",
        "podlab.core.v1.VolumeMount": "recursiveReadOnly",
        "podlab.core.v1.Lifecycle": "stopSignal",
        "podlab.core.v1.EnvVarSource": "fileKeyRef",
        "podlab.core.v1.ResourceRequirements": "claims",
        "podlab.core.v1.PodStatus": "resize resourceClaimStatuses observedGeneration",
        "podlab.core.v1.PodCondition": "observedGeneration",
        "podlab.core.v1.ContainerStatus": _CONTAINER_STATUS,
        "podlab.core.v1.NodeSpec": "externalID configSource",
        "podlab.core.v1.NodeStatus": "phase volumesInUse volumesAttached config runtimeHandlers features",
        "podlab.core.v1.NodeSystemInfo": "swap",
        "podlab.core.v1.ServiceSpec": (
            "externalIPs loadBalancerIP loadBalancerSourceRanges externalName healthCheckNodePort loadBalancerClass"
        ),
        "podlab.core.v1.Event": "related",
        "podlab.core.v1.ServiceStatus": "conditions",
        "podlab.core.v1.LoadBalancerStatus": "ingress",
        "podlab.apps.v1.DeploymentStatus": "terminatingReplicas",
        "podlab.apps.v1.ReplicaSetStatus": "terminatingReplicas",
        "podlab.autoscaling.v2.HPAScalingRules": "tolerance",
        "podlab.discovery.v1.Endpoint": "deprecatedTopology",
        "podlab.authorization.v1.ResourceAttributes": "fieldSelector labelSelector",
        "podlab.authorization.v1.SubjectAccessReviewStatus": "denied",
        "podlab.coordination.v1.LeaseSpec": "strategy preferredHolder",
        "podlab.core.v1.PersistentVolumeSpec": (
            "gcePersistentDisk awsElasticBlockStore glusterfs rbd iscsi cinder cephfs fc flocker flexVolume azureFile"
            " vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO storageos csi"
            " volumeAttributesClassName"
        ),
        "podlab.core.v1.PersistentVolumeStatus": "lastPhaseTransitionTime",
        "podlab.core.v1.PersistentVolumeClaimSpec": "dataSource dataSourceRef volumeAttributesClassName",
        "podlab.core.v1.PersistentVolumeClaimStatus": (
            "allocatedResources allocatedResourceStatuses currentVolumeAttributesClassName modifyVolumeStatus"
        ),
        "podlab.networking.v1.IngressLoadBalancerIngress": "ports",
    }.items()
}

# In protobuf a field has no name but its number: these are what kubectl's own generators send in that form.
NAMES_BY_NUMBER: dict[tuple[str, int], str] = {("podlab.core.v1.ServiceSpec", 10): "externalName"}
