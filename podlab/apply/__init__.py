"""Server-side apply: who manages which fields, and how an applied configuration becomes part of an object. Pure.

See https://kubernetes.io/docs/reference/using-api/server-side-apply/ and KEP-555. Values are JSON, described by shapes;
nothing here knows protobuf.
"""
