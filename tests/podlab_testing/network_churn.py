"""What a network has to bear: Services, pods, policies, rollouts come, change and go, and nodes' agents are killed."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from podlab.lab.lab import Lab
from podlab_testing import network_objects as objects
from podlab_testing.network_objects import Thing
from podlab_testing.rest import NotThere, Rest

AGENTS = ("podlab-kubelet", "podlab-proxy", "podlab-dns", "podlab-resolver", "podlab-resolver-2", "containerd")
# A node's two DNS servers stand in for each other, one of them at a time.
TWINS = {"podlab-resolver": "podlab-resolver-2", "podlab-resolver-2": "podlab-resolver"}
WAYS = (["systemctl", "restart"], ["systemctl", "kill", "--kill-whom=main", "--signal=KILL"])
RESTARTED_EVERY_S = (2.0, 8.0)
SPOKEN_EVERY_S = 2.0
OBJECTS_EVERY_S = (0.05, 0.4)
WORKLOADS_EVERY_S = (0.5, 2.0)
# Sends a datagram from a port of its own to each place, so that the kernel has flows there.
SPEAK = """
import json, socket, sys
for number, (address, port) in enumerate(json.loads(sys.argv[1])):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(("", 41000 + number))
        client.sendto(b"?", (address, port))
"""
KINDS = {
    "service": (objects.SERVICES, objects.service),
    "endpointslice": (objects.SERVICES, objects.endpoint_slice),
    "networkpolicy": (objects.POLICIES, objects.policy),
    "deployment": (objects.APPS, objects.deployment),
    "pod": (objects.PODS, objects.pod),
}
WORKLOADS = ("deployment", "deployment", "pod")
OTHERS = ("service", "service", "service", "endpointslice", "networkpolicy", "networkpolicy")


class Churn:
    """`run` for so long; `steps` counts what was done, `failures` what went wrong on the way."""

    def __init__(self, rest: Rest, lab: Lab, namespaces: Sequence[str], seed: int) -> None:
        self.steps: Counter[str] = Counter()
        self.failures: list[str] = []
        self._rest, self._lab, self._namespaces, self._seed = rest, lab, namespaces, seed
        self._nodes = [node["metadata"]["name"] for node in rest.get("nodes")["items"]]
        self._stop = threading.Event()

    def run(self, for_s: float) -> None:
        """Raises nothing: see `failures`. Everything ends within a minute of the time."""
        threads = [
            self._thread("objects", lambda chance: self._change(chance, OTHERS), OBJECTS_EVERY_S),
            self._thread("workloads", lambda chance: self._change(chance, WORKLOADS), WORKLOADS_EVERY_S),
            self._thread("restarts", self._restart, RESTARTED_EVERY_S),
            self._thread("datagrams", self._speak, (SPOKEN_EVERY_S, SPOKEN_EVERY_S)),
            self._thread("namespaces", self._namespace_comes_and_goes, (1.0, 5.0)),
        ]
        self._stop.wait(for_s)
        self._stop.set()
        for each in threads:
            each.join(60)
            if each.is_alive():
                self.failures.append(f"{each.name} does not end")

    def _thread(
        self, name: str, step: Callable[[random.Random], None], every_s: tuple[float, float]
    ) -> threading.Thread:
        chance = random.Random(f"{self._seed} {name}")

        def steps() -> None:
            while not self._stop.wait(chance.uniform(*every_s)):
                try:
                    step(chance)
                except Exception as error:  # a thread's end would be seen by nobody
                    self.failures.append(f"{time.strftime('%X')} {name}: {error!r}")

        made = threading.Thread(target=steps, name=name, daemon=True)
        made.start()
        return made

    def _change(self, chance: random.Random, kinds: Sequence[str]) -> None:
        kind, space = chance.choice(kinds), chance.choice(self._namespaces)
        names, make = KINDS[kind]
        name = chance.choice(names)
        if chance.random() < 0.05:
            colour = objects.namespace(chance, space)
            self._rest.apply(colour)
        thing = make(chance, name)
        thing["metadata"]["namespace"] = space
        # A pod's and a headless Service's forms are for their life: another one of the name comes after it.
        if chance.random() < 0.3 or kind == "pod" or self._cannot_become(thing):
            self._rest.delete(kind, thing["metadata"]["name"], "-n", space)
            self.steps[f"{kind} deleted"] += 1
        else:
            self._rest.apply(thing)
            self.steps[f"{kind} applied"] += 1
        if kind == "pod" and not self._rest.exists("pod", name, "-n", space):
            self._rest.apply(thing)

    def _cannot_become(self, thing: Thing) -> bool:
        if thing["kind"] != "Service":
            return False
        try:
            present = self._rest.get("service", thing["metadata"]["name"], "-n", thing["metadata"]["namespace"])
        except NotThere:
            return False
        now, then = (str(each["spec"].get("clusterIP", "")) == "None" for each in (present, thing))
        return now != then

    def _restart(self, chance: random.Random) -> None:
        node, agent, way = chance.choice(self._nodes), chance.choice(AGENTS), chance.choice(WAYS)
        if agent in TWINS:
            self._until_active(node, TWINS[agent])
        done = self._lab.run(node, [*way, agent], timeout_s=90)
        if done.returncode:
            raise AssertionError(f"{node}: {' '.join(way)} {agent}: {done.stderr}")
        self.steps[f"{way[1]} {agent}"] += 1

    def _until_active(self, node: str, unit: str) -> None:
        wait = f"timeout 60 sh -c 'until systemctl is-active --quiet {unit}; do sleep 0.2; done'"
        if self._lab.run(node, ["sh", "-c", wait], timeout_s=90).returncode:
            raise AssertionError(f"{node}: {unit} is not active within 60 s")

    def _speak(self, chance: random.Random) -> None:
        places = []
        for each in self._rest.get("services", "-A")["items"]:
            for port in each["spec"].get("ports", ()):
                if port["protocol"] == "UDP" and each["spec"].get("clusterIP") not in (None, "", "None"):
                    places.append((each["spec"]["clusterIP"], port["port"]))
                    if "nodePort" in port:
                        places.append(("127.0.0.1", port["nodePort"]))
        node = chance.choice(self._nodes)
        self._lab.run(node, ["python3", "-c", SPEAK, json.dumps(places)])
        self.steps["datagrams"] += len(places)

    def _namespace_comes_and_goes(self, chance: random.Random) -> None:
        name = f"{self._namespaces[0]}-brief"
        if not self._rest.exists("namespace", name):
            self._rest.create_namespace(name)
            for thing in (
                objects.service(chance, "svc-0"),
                objects.policy(chance, "policy-0"),
                objects.pod(chance, "pod-0"),
            ):
                thing["metadata"]["namespace"] = name
                self._rest.apply(thing)
            self.steps["namespace made"] += 1
        else:
            self._rest.delete_namespace(name)
