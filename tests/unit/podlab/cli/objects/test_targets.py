"""Which objects a command line names."""

import pytest

from podlab.cli.failures import CommandError
from podlab.cli.objects import targets


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["pods"], ["pod/"]),
        (["po,svc"], ["pod/", "service/"]),
        (["deploy", "a", "b"], ["deployment.apps/a", "deployment.apps/b"]),
        (["Deployment.apps/a", "no/n1"], ["deployment.apps/a", "node/n1"]),
        (["pods,cm", "x"], ["pod/x", "configmap/x"]),
    ],
)
def test_words_name_kinds_and_objects(words: list[str], named: list[str]) -> None:
    assert [str(target) for target in targets.parse(words)] == named


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say what"),
        (["frobs"], 'the server doesn\'t have a resource type "frobs"'),
        (["pod/a", "b"], "no mix of KIND/NAME"),
        (["pod/"], "no mix of KIND/NAME"),
        (["pod/a/b"], "no mix of KIND/NAME"),
    ],
)
def test_words_that_name_nothing_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        targets.parse(words)


def test_commands_on_one_object_take_no_more() -> None:
    assert str(targets.one(["pod", "a"], "why")) == "pod/a"
    for words in (["pods"], ["pod", "a", "b"]):
        with pytest.raises(CommandError, match="takes one object"):
            targets.one(words, "why")


def test_all_are_the_kinds_of_that_category() -> None:
    named = [str(target) for target in targets.parse(["all"])]
    assert named[:4] == ["pod/", "service/", "deployment.apps/", "replicaset.apps/"]
    assert {"job.batch/", "statefulset.apps/", "horizontalpodautoscaler.autoscaling/"} < set(named)
    assert "configmap/" not in named
