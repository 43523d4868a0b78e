from podlab.core.v1.pod_pb2 import Pod
from podlab.kinds.strategies.match_label_keys import resolve_label_keys
from podlab.meta.v1.meta_pb2 import LabelSelectorRequirement


def test_label_keys_become_requirements_with_the_pods_own_values() -> None:
    pod = Pod()
    pod.metadata.labels.update({"hash": "1", "tenant": "a"})
    term = pod.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.add(topologyKey="zone")
    term.labelSelector.matchLabels["app"] = "web"
    term.matchLabelKeys.extend(["hash", "absent"])
    term.mismatchLabelKeys.append("tenant")
    resolve_label_keys(pod)
    assert list(term.labelSelector.matchExpressions) == [
        LabelSelectorRequirement(key="hash", operator="In", values=["1"]),
        LabelSelectorRequirement(key="tenant", operator="NotIn", values=["a"]),
    ]


def test_a_term_without_a_selector_stays_so() -> None:
    pod = Pod()
    pod.metadata.labels["hash"] = "1"
    wish = pod.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.add(weight=1)
    wish.podAffinityTerm.matchLabelKeys.append("hash")
    resolve_label_keys(pod)
    assert not wish.podAffinityTerm.HasField("labelSelector")
