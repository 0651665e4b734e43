"""Where identity evidence comes from.

`sources/` holds one file for each authority that we ask; each asks outside a transaction, with a timeout, and has a
fake beside it that passes the same tests. Cases, steps and adjudication come with card checking.
"""
