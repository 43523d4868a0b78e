"""The store on etcd, for a control plane with several masters: etcd 3.4 and newer by its v3 gRPC API.

Start at `store.py`. `members.py` knows which member to ask; what requests and answers mean is decided purely, in
`transaction.py`, `answers.py`, `following.py` and `keyspace.py`.
"""
