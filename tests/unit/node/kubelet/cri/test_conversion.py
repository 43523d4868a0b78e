import orjson

from node.kubelet.cri.conversion import handlers, unwritable
from node.kubelet.cri.runtime import RuntimeHandler, ShownImage
from podlab.foreign.cri.v1 import api_pb2 as cri


def test_an_overlay_s_upper_directory_becomes_its_topmost_lower_one() -> None:
    mounted = ShownImage(
        "overlay", "overlay", ("index=off", "workdir=/s/3/work", "upperdir=/s/3/fs", "lowerdir=/s/2/fs:/s/1/fs")
    )
    assert unwritable(mounted).options == ("index=off", "lowerdir=/s/3/fs:/s/2/fs:/s/1/fs")


def test_what_is_one_directory_stays_it() -> None:
    bound = ShownImage("bind", "/s/1/fs", ("rw", "rbind"))
    assert unwritable(bound) == bound


def test_handlers_are_those_that_the_runtime_tells_of() -> None:
    answer = cri.StatusResponse()
    answer.runtime_handlers.add(name="runc", features=cri.RuntimeHandlerFeatures(recursive_read_only_mounts=True))
    answer.runtime_handlers.add(name="", features=cri.RuntimeHandlerFeatures(user_namespaces=True))
    answer.runtime_handlers.add(name="old")
    assert handlers(answer) == (
        RuntimeHandler("", False, True), RuntimeHandler("old"), RuntimeHandler("runc", True, False),
    )  # fmt: skip


def test_of_a_runtime_that_tells_of_none_they_are_those_of_its_configuration() -> None:
    told = {"containerd": {"defaultRuntimeName": "runc", "runtimes": {"runc": {}, "crun": {}}}}
    answer = cri.StatusResponse(info={"config": orjson.dumps(told).decode()})
    assert handlers(answer) == (RuntimeHandler(""), RuntimeHandler("crun"), RuntimeHandler("runc"))
    assert handlers(cri.StatusResponse()) == ()
