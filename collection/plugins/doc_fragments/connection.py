# Copyright: Podlab contributors
# Apache License 2.0 (see LICENSE)
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - The cluster's name. Its folder C(.podlab/NAME) is looked for in E(PODLAB_HOME), from the working directory
        upwards, and in the home directory.
      - When not given, it is that of E(PODLAB_CLUSTER), or C(lab).
    type: str
  kubeconfig:
    description:
      - A kubeconfig, whose current context is used; O(cluster) is not looked at then.
    type: path
  request_timeout:
    description:
      - For how many seconds an answer is awaited.
    type: int
    default: 30
requirements:
  - PyYAML
notes:
  - Runs where the cluster's folder or kubeconfig is, as a rule on the machine that deploys (C(hosts=localhost)).
"""
