"""The policy as Kubernetes has it: its default plugins, in its order, with its weights."""

from __future__ import annotations

from master.scheduler.config.configuration import KIND, KubeSchedulerConfiguration, policy
from master.scheduler.config.plugin_args import VERSION

DEFAULT = policy(KubeSchedulerConfiguration(VERSION, KIND), {})
(DEFAULT_PROFILE,) = DEFAULT.profiles
