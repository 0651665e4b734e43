"""Proof: what was done, in bytes that never change, about people whose names are not in them.

Start reading: `FORMAT.md` (the bytes), then `entry` (the same, pure), `events` (the closed list), `log` (append, read).
An entry is written in the transaction of the act it tells of. Numbering, hashing and signing come after the commit:

merkle      pure: the tree, its edge, its proofs          seal    number, hash again, sign, keep; any number at once
checkpoint  pure: the signed note about the tree          export  the log as a file
paths       pure: proofs from subtrees                  proofs  what we show, checked as whoever doubts us would
search      what an auditor finds, page by page         volume  how much a day, against its baseline
memory      what a signer remembers outside the database  follow  read on from where one stopped
verify      the other side: one file that an auditor runs, without this server and without trusting it
"""
