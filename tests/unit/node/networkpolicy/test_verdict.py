import pytest
from podlab_testing.policy_cases import PODS, PolicyCase, definition, packet, policy, policy_cases

from node.networkpolicy.verdict import Side

CASES = [pytest.param(case, id=case.name) for case in policy_cases()]


@pytest.mark.parametrize("case", CASES)
def test_policies_say_what_the_case_says(case: PolicyCase) -> None:
    said = definition(case.policies)
    assert [each for each in case.passing if not said.verdict(each).allowed] == []
    assert [each for each in case.stopped if said.verdict(each).allowed] == []


def test_there_are_many_cases() -> None:
    assert sum(len(case.passing) + len(case.stopped) for case in policy_cases()) >= 200


def test_a_verdict_names_the_policies_of_both_ends() -> None:
    policies = [
        policy(0, podSelector={}, policyTypes=["Ingress"]),
        policy(1, podSelector={"matchLabels": {"app": "db"}}, policyTypes=["Ingress"], ingress=[{}]),
        policy(2, podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Egress"]),
    ]
    found = definition(policies).verdict(packet("web > db tcp 5432"))
    assert found.egress == Side(("shop/policy-2",), ())
    assert found.ingress == Side(("shop/policy-0", "shop/policy-1"), ("shop/policy-1",))
    assert not found.allowed


def test_an_address_is_that_of_the_pod_that_was_created_last() -> None:
    from dataclasses import replace

    old = PODS["web"]
    new = replace(PODS["probe"], address=old.address, age=(1, 0, ""))
    said = definition([policy(0, podSelector={}, policyTypes=["Ingress"])], [new, old])
    assert said.verdict(packet("db > web tcp 80")).allowed
