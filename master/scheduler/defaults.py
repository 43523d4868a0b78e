"""The policy as Kubernetes has it: its default plugins, in its order, with its weights."""

from __future__ import annotations

from master.scheduler.arguments import VERSION
from master.scheduler.configuration import KIND, KubeSchedulerConfiguration, policy

DEFAULT = policy(KubeSchedulerConfiguration(VERSION, KIND), {})
(DEFAULT_PROFILE,) = DEFAULT.profiles
