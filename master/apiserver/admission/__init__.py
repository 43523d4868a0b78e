"""What is made of new objects, and what is refused, by what else the cluster holds: one plugin a module.

`chain.py` is the order. Plugins decide, purely; what they look up follows the cache (`followed.py`). Quotas alone are
more than a decision: what is used is written in the commit that uses it (`quotas.py`).
"""
