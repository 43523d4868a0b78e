"""Kubernetes' default policy: its default plugins, in its order, with its weights."""

from __future__ import annotations

from master.scheduler.config.configuration import KIND, KubeSchedulerConfiguration
from master.scheduler.config.plugin_args import VERSION
from master.scheduler.config.policy import make_policy

DEFAULT = make_policy(KubeSchedulerConfiguration(VERSION, KIND), {})
(DEFAULT_PROFILE,) = DEFAULT.profiles
