"""What the scheduler knows of nodes, pods and volumes, kept up to date as events arrive. Pure.

`snapshot.Snapshot` is what plugins read: arrays with one row per node.
"""
