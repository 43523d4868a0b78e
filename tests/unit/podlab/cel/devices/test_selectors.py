"""What selectors see of devices."""

from __future__ import annotations

import pytest

from podlab.cel.devices import selectors
from podlab.cel.values import CompileError, CostLimitExceeded, EvaluationError
from podlab.resource.v1.resourceslice_pb2 import Device

DRIVER = "gpu.example.com"


def _device() -> Device:
    device = Device(name="gpu-0", allowMultipleAllocations=True)
    device.attributes["model"].string = "A100"
    device.attributes["healthy"].bool = True
    device.attributes["cores"].int = 8
    device.attributes["firmware"].version = "1.2.3"
    device.attributes["pci.example.com/root"].string = "0000:00"
    device.capacity["memory"].value.string = "40Gi"
    return device


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ('device.driver == "gpu.example.com"', True),
        ('device.driver == "nic.example.com"', False),
        ('device.attributes["gpu.example.com"].model == "A100"', True),
        ('device.attributes["gpu.example.com"].healthy', True),
        ('device.attributes["gpu.example.com"].cores in [8, 16]', True),
        ('device.attributes["gpu.example.com"].firmware.isGreaterThan(semver("1.2.0"))', True),
        ('device.attributes["gpu.example.com"].firmware.compareTo(semver("1.2.3")) == 0', True),
        ('device.attributes["pci.example.com"].root == "0000:00"', True),
        ('has(device.attributes["pci.example.com"].model)', False),
        ('has(device.attributes["absent.example.com"].model)', False),
        ('"absent.example.com" in device.attributes', False),
        ('device.capacity["gpu.example.com"].memory.compareTo(quantity("40Gi")) >= 0', True),
        ('device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("40Gi"))', False),
        ('has(device.capacity["absent.example.com"].memory)', False),
        ("device.allowMultipleAllocations", True),
        ('cel.bind(gpu, device.attributes["gpu.example.com"], gpu.healthy && gpu.cores > 4)', True),
        ('device.attributes["gpu.example.com"].?model.orValue("none") == "A100"', True),
        ('device.attributes.exists(domain, domain.startsWith("pci."))', True),
    ],
)
def test_a_selector_sees_driver_attributes_and_capacity(expression: str, wanted: bool) -> None:
    assert selectors.matches(expression, selectors.variables(DRIVER, _device())) is wanted


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("device.name == 'gpu-0'", "undefined field 'name'"),
        ("1 + 1", "must evaluate to bool or the unknown type, not int"),
        ("device.", "ERROR: <input>"),
    ],
)
def test_what_is_no_selector_does_not_compile(expression: str, told: str) -> None:
    for _ in range(2):
        with pytest.raises(CompileError, match=told):
            selectors.compiled(expression)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ('device.attributes["gpu.example.com"].absent == 1', "no such key: absent"),
        ('device.attributes["gpu.example.com"].model', "CEL result of type string could not be converted to bool"),
    ],
)
def test_a_selector_without_value_is_an_error(expression: str, told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        selectors.matches(expression, selectors.variables(DRIVER, _device()))


def test_an_attribute_that_is_no_version_is_an_error() -> None:
    device = Device(name="gpu-0")
    device.attributes["firmware"].version = "latest"
    with pytest.raises(EvaluationError, match="attribute firmware: parse semantic version"):
        selectors.variables(DRIVER, device)


def test_a_selector_that_costs_too_much_is_stopped() -> None:
    numbers = f"[{','.join('0123456789')}]"
    loops = "".join(f"{numbers}.all(x{depth}, " for depth in range(6))
    expression = f'{loops}device.driver != ""{")" * 6}'
    with pytest.raises(CostLimitExceeded):
        selectors.matches(expression, selectors.variables(DRIVER, _device()))
    assert selectors.estimate(expression) > selectors.COST_LIMIT
