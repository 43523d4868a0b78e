"""The policy's file: what it makes, and what is said of mistakes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.source_code import PROJECT

from master.scheduler.config.configuration import KIND, KubeSchedulerConfiguration
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.config.plugin_args import VERSION
from master.scheduler.config.policy import make_policy
from master.scheduler.config.profile import Profile
from master.scheduler.main import load_policy
from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.queue.backoff import Backoff
from podlab import settings
from podlab.settings import SettingsError
from podlab.tls import Tls

TLS = Tls(Path("ca"), Path("cert"), Path("key"))
SHIPPED = PROJECT / "playbooks/roles/master/files/scheduler-policy.yaml"


def read(*given: dict[str, Any], **fields: Any) -> tuple[Profile, ...]:
    data = {"apiVersion": VERSION, "kind": KIND, **({"profiles": list(given)} if given else {}), **fields}
    return make_policy(settings.build(KubeSchedulerConfiguration, data), {}).profiles


def plugins(**points: Any) -> dict[str, Any]:
    return {"plugins": points}


def args(name: str, **given: Any) -> dict[str, Any]:
    return {"pluginConfig": [{"name": name, "args": given}]}


def scores(profile: Profile) -> dict[str, int]:
    return {each.plugin.name: each.weight for each in profile.scores}


def test_the_default_is_kubernetes() -> None:
    assert scores(DEFAULT_PROFILE) == {
        "TaintToleration": 3,
        "NodeAffinity": 2,
        "NodeResourcesFit": 1,
        "PodTopologySpread": 2,
        "InterPodAffinity": 2,
        "DynamicResources": 1,
        "NodeResourcesBalancedAllocation": 1,
        "ImageLocality": 1,
    }
    filters = [each.name for each in DEFAULT_PROFILE.filters]
    assert filters[:5] == ["NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts"]
    assert filters[-3:] == ["PodTopologySpread", "InterPodAffinity", "DynamicResources"]
    assert DEFAULT_PROFILE.preemption == DefaultPreemption(percentage=10, least=100)


def test_the_file_that_is_deployed_is_the_default() -> None:
    (made,) = load_policy(SHIPPED).profiles
    assert scores(made) == scores(DEFAULT_PROFILE)
    assert load_policy(None).profiles == (DEFAULT_PROFILE,)


def test_a_plugin_that_is_enabled_again_keeps_its_place_and_gets_the_weight() -> None:
    (made,) = read(plugins(multiPoint={"enabled": [{"name": "ImageLocality", "weight": 7}, {"name": "NodeAffinity"}]}))
    assert list(scores(made)) == list(scores(DEFAULT_PROFILE))
    assert (scores(made)["ImageLocality"], scores(made)["NodeAffinity"]) == (7, 1)


def test_a_plugin_can_be_taken_from_one_point_alone() -> None:
    (made,) = read(plugins(score={"disabled": [{"name": "TaintToleration"}]}))
    assert "TaintToleration" not in scores(made)
    assert "TaintToleration" in [each.name for each in made.filters]


def test_all_can_be_disabled_and_some_enabled() -> None:
    (made,) = read(
        plugins(multiPoint={"disabled": [{"name": "*"}], "enabled": [{"name": "NodeResourcesFit", "weight": 2}]})
    )
    assert scores(made) == {"NodeResourcesFit": 2}
    assert [each.name for each in made.filters] == ["NodeResourcesFit"]
    assert made.preemption is None


def test_preemption_can_be_disabled() -> None:
    (made,) = read(plugins(postFilter={"disabled": [{"name": "DefaultPreemption"}]}))
    assert made.preemption is None


def test_several_profiles_have_their_own_plugins() -> None:
    one, other = read({}, {"schedulerName": "packing", **plugins(score={"disabled": [{"name": "*"}]})})
    assert (one.scheduler_name, other.scheduler_name) == ("default-scheduler", "packing")
    assert scores(one)
    assert not scores(other)


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ({"name": "a"}, "profiles[0].name: unknown field; known ones are schedulerName, plugins, pluginConfig"),
        (plugins(prescore={}), "profiles[0].plugins.prescore: unknown field"),
        (
            plugins(reserve={"enabled": [{"name": "Coscheduling"}]}),
            "profiles[0].plugins.reserve.enabled[0].name: no such plugin here: 'Coscheduling'",
        ),
        (
            plugins(bind={"disabled": [{"name": "DefaultBinder"}]}),
            "profiles[0].plugins.bind.disabled[0].name: 'DefaultBinder' cannot be disabled; remove the entry",
        ),
        (args("DynamicResources", filterTimeout="-1s"), "args.filterTimeout: must be zero or positive, found -1s"),
        (args("DynamicResources", bindingTimeout="0s"), "args.bindingTimeout: must be at least 1 second, found 0s"),
        (
            args("DynamicResources", filterTimeout="soon"),
            "args.filterTimeout: expected a duration such as 10s or 1m30s",
        ),
        (args("VolumeBinding", bindTimeoutSeconds=-1), "args.bindTimeoutSeconds: must not be negative, found -1"),
        (args("EBSLimits"), "profiles[0].pluginConfig[0].name: no such plugin here: 'EBSLimits'"),
        (
            plugins(multiPoint={"enabled": [{"name": "Foo"}]}),
            "profiles[0].plugins.multiPoint.enabled[0].name: no such plugin here: 'Foo'; there are NodeUnschedulable,",
        ),
        (
            plugins(score={"enabled": [{"name": "NodePorts"}]}),
            "profiles[0].plugins.score.enabled[0].name: no such plugin here: 'NodePorts'",
        ),
        (
            plugins(filter={"disabled": [{"name": "Foo"}]}),
            "profiles[0].plugins.filter.disabled[0].name: no such plugin here: 'Foo'",
        ),
        (
            plugins(multiPoint={"disabled": [{"name": "PrioritySort"}]}),
            "profiles[0].plugins.multiPoint.disabled[0].name: 'PrioritySort' cannot be disabled; remove the entry",
        ),
        (
            plugins(multiPoint={"enabled": [{"name": "NodeName"}, {"name": "NodeName"}]}),
            "profiles[0].plugins.multiPoint.enabled[1].name: 'NodeName' is enabled already",
        ),
        (
            plugins(score={"enabled": [{"name": "ImageLocality", "weight": -1}]}),
            "profiles[0].plugins.score.enabled[0].weight: must be 1 to 1000, found -1",
        ),
        (
            plugins(score={"enabled": [{"name": "ImageLocality", "weight": "2"}]}),
            "profiles[0].plugins.score.enabled[0].weight: expected int, found '2'",
        ),
        (
            args("DefaultPreemption", minCandidateNodesPercentage=101),
            "pluginConfig[0].args.minCandidateNodesPercentage: must be 0 to 100, found 101",
        ),
        (
            args("DefaultPreemption", minCandidateNodesAbsolute=-1),
            "pluginConfig[0].args.minCandidateNodesAbsolute: must be at least 0, found -1",
        ),
        (
            args("DefaultPreemption", minCandidateNodesAbsolute=0, minCandidateNodesPercentage=0),
            "minCandidateNodesPercentage and minCandidateNodesAbsolute cannot both be 0",
        ),
        (args("Foo"), "profiles[0].pluginConfig[0].name: no such plugin here: 'Foo'"),
        (
            args("NodeName", a=1),
            "pluginConfig[0].args: the plugin takes no arguments, found a; remove them",
        ),
        (
            {"pluginConfig": [{"name": "NodeAffinity"}, {"name": "NodeAffinity"}]},
            "profiles[0].pluginConfig[1].name: 'NodeAffinity' has arguments already",
        ),
        (
            args("NodeResourcesFit", scoringStrategy={"type": "Most"}),
            "args.scoringStrategy.type: expected LeastAllocated, MostAllocated or RequestedToCapacityRatio, "
            "found 'Most'",
        ),
        (
            args("NodeResourcesFit", scoringStrategy={"resources": [{"name": "cpu", "weight": 0}]}),
            "args.scoringStrategy.resources[0].weight: must be 1 to 100, found 0",
        ),
        (
            args("NodeResourcesFit", scoringStrategy={"resources": [{"name": "cpu"}, {"name": "cpu"}]}),
            "args.scoringStrategy.resources: each resource once, found cpu, cpu",
        ),
        (
            args("NodeResourcesFit", scoringStrategy={"type": "RequestedToCapacityRatio"}),
            "args.scoringStrategy.requestedToCapacityRatio.shape: at least one point must be specified",
        ),
        (
            args(
                "NodeResourcesFit",
                scoringStrategy={
                    "type": "RequestedToCapacityRatio",
                    "requestedToCapacityRatio": {"shape": [{"utilization": 0, "score": 11}]},
                },
            ),
            "shape[0].score: must be 0 to 10, found 11",
        ),
        (
            args(
                "NodeResourcesFit",
                scoringStrategy={
                    "type": "RequestedToCapacityRatio",
                    "requestedToCapacityRatio": {
                        "shape": [{"utilization": 50, "score": 1}, {"utilization": 50, "score": 2}]
                    },
                },
            ),
            "shape[1].utilization: must be more than that of the point before",
        ),
        (args("NodeResourcesFit", ignored=["a"]), "args.ignored: unknown field; known ones are ignoredResources,"),
        (args("NodeResourcesFit", kind="Fit"), "args.kind: expected NodeResourcesFitArgs, found 'Fit'"),
        (
            args("NodeResourcesBalancedAllocation", resources=[{"name": "cpu", "weight": 2}]),
            "args.resources[0].weight: must be 1, found 2",
        ),
        (
            args("InterPodAffinity", hardPodAffinityWeight=101),
            "args.hardPodAffinityWeight: must be 0 to 100, found 101",
        ),
        (
            args("PodTopologySpread", defaultingType="Some"),
            "args.defaultingType: expected System or List, found 'Some'",
        ),
        (
            args("PodTopologySpread", defaultConstraints=[{}]),
            "args.defaultConstraints: allowed only when defaultingType is List, found System",
        ),
        (
            args("PodTopologySpread", defaultingType="List", defaultConstraints=[{"maxSkew": 1, "labelSelector": {}}]),
            "args.defaultConstraints[0].labelSelector: must not be set",
        ),
        (
            args("PodTopologySpread", defaultingType="List", defaultConstraints=[{"maxSkew": 0}]),
            "args.defaultConstraints[0].maxSkew: must be greater than zero, found 0",
        ),
        (args("NodeAffinity", addedAffinity={"required": []}), "args.addedAffinity: "),
    ],
)
def test_a_mistake_is_told_with_its_place(profile: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(profile)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"apiVersion": "v1"}, f"apiVersion: expected {VERSION}, found 'v1'"),
        ({"kind": "Policy"}, f"kind: expected {KIND}, found 'Policy'"),
        ({"profiles": []}, "profiles: at least one is needed"),
        ({"profiles": [{}, {}]}, "profiles[1].schedulerName: 'default-scheduler' is that of another profile too"),
        ({"healthzBindAddress": "[::]:1"}, "healthzBindAddress: unknown field; known ones are apiVersion,"),
        ({"extenders": [{"urlPrefix": "http://x"}]}, "extenders: not supported; a plugin of your own"),
        ({"parallelism": "16"}, "parallelism: expected int, found '16'"),
        ({"podInitialBackoffSeconds": 0}, "podInitialBackoffSeconds: must be greater than 0, found 0"),
        (
            {"podInitialBackoffSeconds": 20},
            "podMaxBackoffSeconds: must be greater than or equal to podInitialBackoffSeconds, 20, found 10",
        ),
    ],
)
def test_a_mistake_outside_the_profiles_is_told(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**fields)
    assert told in str(refused.value)


def test_the_file_is_named_with_the_mistake(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump({"apiVersion": "v2", "kind": KIND}))
    with pytest.raises(SettingsError, match=r"policy\.yaml: apiVersion: expected"):
        load_policy(path)


# As clusters have them: what kubeadm, the tutorials and the reference pages of Kubernetes show, put together.
COMPLETE = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: /etc/kubernetes/scheduler.conf, qps: 100, burst: 200}
leaderElection: {leaderElect: true, resourceLock: leases, leaseDuration: 15s}
enableProfiling: false
enableContentionProfiling: false
parallelism: 16
percentageOfNodesToScore: 0
delayCacheUntilActive: false
podInitialBackoffSeconds: 2
podMaxBackoffSeconds: 20
profiles:
- schedulerName: default-scheduler
  plugins:
    preEnqueue: {enabled: [{name: SchedulingGates}]}
    queueSort: {enabled: [{name: PrioritySort}]}
    preFilter: {enabled: [{name: NodeResourcesFit}, {name: GCEPDLimits}]}
    filter: {enabled: [{name: AzureDiskLimits}, {name: EBSLimits}]}
    postFilter: {enabled: [{name: DefaultPreemption}]}
    reserve: {enabled: [{name: VolumeBinding}]}
    preBind: {enabled: [{name: VolumeBinding}]}
    bind: {enabled: [{name: DefaultBinder}]}
    multiPoint: {disabled: [{name: AzureDiskLimits}]}
  pluginConfig:
  - name: VolumeBinding
    args: {apiVersion: kubescheduler.config.k8s.io/v1, kind: VolumeBindingArgs, bindTimeoutSeconds: 30}
- schedulerName: no-scoring-scheduler
  percentageOfNodesToScore: 50
  plugins:
    preScore: {disabled: [{name: '*'}]}
    score: {disabled: [{name: '*'}]}
"""


def test_a_file_that_says_all_that_kube_scheduler_reads_is_taken() -> None:
    given = settings.build(KubeSchedulerConfiguration, yaml.safe_load(COMPLETE))
    found = make_policy(given, {})
    first, second = found.profiles
    assert scores(first) == scores(DEFAULT_PROFILE)
    assert [each.name for each in first.filters] == [each.name for each in DEFAULT_PROFILE.filters]
    assert (first.bind_timeout_s, second.bind_timeout_s) == (30.0, 600.0)
    assert not second.scores
    assert found.backoff == Backoff(2.0, 20.0)


def test_what_has_no_effect_is_told() -> None:
    given = settings.build(KubeSchedulerConfiguration, yaml.safe_load(COMPLETE))
    assert given.without_effect == [
        "clientConnection",
        "leaderElection",
        "percentageOfNodesToScore",
        "parallelism",
        "enableProfiling",
        "enableContentionProfiling",
        "delayCacheUntilActive",
        "profiles[1].percentageOfNodesToScore",
    ]
    assert not KubeSchedulerConfiguration(VERSION, KIND).without_effect


@pytest.mark.parametrize(
    ("given", "nodes", "compared"),
    [
        ({}, 5000, 500),
        ({}, 400, 100),
        ({}, 50, 50),
        ({"minCandidateNodesPercentage": 50}, 400, 200),
        ({"minCandidateNodesAbsolute": 3}, 20, 3),
        ({"minCandidateNodesAbsolute": 0, "minCandidateNodesPercentage": 100}, 20, 20),
    ],
)
def test_how_many_nodes_a_preemption_compares(given: dict[str, int], nodes: int, compared: int) -> None:
    (made,) = read(args("DefaultPreemption", **given))
    assert made.preemption is not None
    assert made.preemption.candidates(nodes) == compared


def test_devices_are_given_by_the_default_profile_and_may_be_left_to_others() -> None:
    (made,) = read(args("DynamicResources", filterTimeout="0s", bindingTimeout="1m30s"))
    assert made.devices is not None
    assert (made.devices.filter_timeout_s, made.device_timeout_s, made.gives_up_claims) == (0.0, 90.0, True)
    (made,) = read(plugins(postFilter={"disabled": [{"name": "DynamicResources"}]}))
    assert made.devices is not None
    assert not made.gives_up_claims
    (made,) = read(plugins(multiPoint={"disabled": [{"name": "DynamicResources"}]}))
    assert made.devices is None
