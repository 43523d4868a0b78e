"""Fields of Kubernetes' types that Podlab does not implement, and what becomes of them where they are said.

One that says nothing (null, false, 0, "", an empty list or object) is no field: Kubernetes leaves it out of what it
stores. Any other is refused by name, so that nobody hopes for its effect; so are all values but those that come true
here of fields that are pointers in Kubernetes, which it keeps as they are said.
"""

from collections.abc import Mapping

# Written by servers into what they export; meaningless in what a user sends.
IGNORED: dict[str, frozenset[str]] = {
    "podlab.meta.v1.ObjectMeta": frozenset({"selfLink"}),
    "podlab.meta.v1.ListMeta": frozenset({"selfLink"}),
    # As the template of a StatefulSet it may say so all the same.
    "podlab.core.v1.PersistentVolumeClaim": frozenset({"apiVersion", "kind"}),
    "podlab.meta.v1.DeleteOptions": frozenset({"ignoreStoreReadErrorWithClusterBreakingPotential"}),
}

_OF_OTHER_COMPONENTS = {
    name: frozenset(fields.split())
    for name, fields in {
        "podlab.coordination.v1.LeaseSpec": "preferredHolder",
        "podlab.core.v1.AttachedVolume": "devicePath",
        "podlab.core.v1.NodeFeatures": "containerUlimits",
        "podlab.core.v1.NodeStatus": "volumesInUse volumesAttached declaredFeatures",
        "podlab.core.v1.VolumeMountStatus": "recursiveReadOnly",
        "podlab.core.v1.ResourceHealth": "resourceID",
        "podlab.core.v1.ContainerStatus": "allocatedResourcesStatus",
        "podlab.core.v1.ModifyVolumeStatus": "targetVolumeAttributesClassName",
        "podlab.core.v1.PersistentVolumeClaimStatus": (
            "allocatedResources allocatedResourceStatuses currentVolumeAttributesClassName modifyVolumeStatus"
        ),
    }.items()
}

_OF_DRIVERS = {
    name: frozenset(fields.split())
    for name, fields in {
        "podlab.core.v1.CSIPersistentVolumeSource": (
            "controllerPublishSecretRef controllerExpandSecretRef nodeExpandSecretRef"
        ),
    }.items()
}

# Declared and kept, for these hosts have nothing that they could change: no SELinux, no Windows.
WITHOUT_EFFECT: dict[str, frozenset[str]] = {
    "podlab.core.v1.SELinuxOptions": frozenset({"user", "role", "type", "level"}),
    "podlab.core.v1.WindowsSecurityContextOptions": frozenset(
        {"gmsaCredentialSpecName", "gmsaCredentialSpec", "runAsUserName", "hostProcess"}
    ),
    "podlab.core.v1.SecurityContext": frozenset({"seLinuxOptions"}),
    "podlab.core.v1.PodSecurityContext": frozenset({"seLinuxOptions"}),
    # What drivers' own controllers read.
    **_OF_DRIVERS,
    # What those components say of themselves that may take the place of ours.
    **_OF_OTHER_COMPONENTS,
}

# Declared and kept: the values that say what happens here in any case.
LIMITED: Mapping[str, Mapping[str, tuple[str | bool, ...]]] = {
    "podlab.core.v1.PodOS": {"name": ("linux",)},
    # What a node that cannot do it makes of IfPossible is Disabled.
    "podlab.core.v1.VolumeMount": {"recursiveReadOnly": ("Disabled", "IfPossible")},
}

# Of these one field is chosen by being there, however little it says.
_CHOICES = frozenset(
    {
        "podlab.core.v1.EnvVarSource",
        "podlab.core.v1.PersistentVolumeSpec",
        "podlab.core.v1.Volume",
        "podlab.core.v1.VolumeProjection",
    }
)

_VOLUME_SOURCES = (
    "awsElasticBlockStore azureDisk azureFile cephfs cinder fc flexVolume flocker"
    " gcePersistentDisk gitRepo glusterfs iscsi nfs photonPersistentDisk portworxVolume"
    " quobyte rbd scaleIO storageos vsphereVolume"
)

UNSUPPORTED: dict[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "podlab.core.v1.PodSpec": "schedulingGroup",
        "podlab.core.v1.Volume": _VOLUME_SOURCES,
        "podlab.core.v1.VolumeProjection": "clusterTrustBundle podCertificate",
        "podlab.core.v1.EnvVarSource": "fileKeyRef",
        "podlab.core.v1.PodStatus": "nodeAllocatableResourceClaimStatuses",
        "podlab.core.v1.NodeSpec": "externalID configSource",
        "podlab.core.v1.NodeStatus": "config",
        "podlab.core.v1.VolumeMountStatus": "volumeStatus",
        "podlab.discovery.v1.Endpoint": "deprecatedTopology",
        "podlab.core.v1.PersistentVolumeSpec": (
            "gcePersistentDisk awsElasticBlockStore glusterfs rbd iscsi cinder cephfs fc flocker flexVolume azureFile"
            " vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO storageos"
            " volumeAttributesClassName"
        ),
        "podlab.core.v1.PersistentVolumeClaimSpec": "dataSource dataSourceRef volumeAttributesClassName",
        "podlab.resource.v1.Device": "nodeAllocatableResourceMappings",
        "podlab.resource.v1.DeviceAttribute": "bools ints strings versions",
        "podlab.storage.v1.CSIDriverSpec": "preventPodSchedulingIfMissing",
    }.items()
}


def says_something(message: str, value: object) -> bool:
    """Whether the value of a field that Podlab does not implement asks for something; `message` is its full name.

    Not so for what Go's zero values look like, nor for an object that holds nothing else.
    """
    return value is not None if message in _CHOICES else _is_set(value)


def _is_set(value: object) -> bool:
    return any(map(_is_set, value.values())) if type(value) is dict else bool(value)
