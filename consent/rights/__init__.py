"""The person's rights over the data that we hold, and our own duties about it: cases, clocks, papers (PDPA).

asked      pure: what is asked, how it came                   restricting, transferring: paused uses, data sent on
clocks     pure: which request has how long, and how it stands now       cases    opened, extended, answered, refused
breach     a breach: known when, how bad, reported when, told to whom    models   the tables
ropa       pure: records of processing from purposes, clients, scopes    retention  pure: what is kept for how long

Words of people come in sealed; who a person is, this package does not know. The stories are in `idp.rights`,
`idp.erasure`, `idp.copying` and `idp.complaint_pack`.
"""
