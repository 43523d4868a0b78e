"""What each kind is: a file for each, by API group, and the catalog of them all.

`catalog.Catalog` answers which kinds there are; `resource.Resource` is what is known of one. Everything here is pure.
"""
