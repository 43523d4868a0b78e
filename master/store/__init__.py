"""The durable store: a small ordered, versioned key-value contract and what implements it.

Start at `contract.py`. Only `master/apiserver` imports this package.
"""
