"""Proof: what was done, in bytes that never change, about people whose names are not in them.

Start reading: `FORMAT.md` (the bytes), then `entry` (the same, pure), `events` (the closed list), `log` (append, read).
An entry is written in the transaction of the act it tells of. Numbering, hashing and signing come after the commit.
"""
