"""What did they agree to, and what was then done with it?

Start reading: `records` (give, refuse, note), `decision` (the one pure answer), `access` (decide and log, always both),
`withdrawal`, `receipts` (the proof that a person keeps), `timeline` (one consent's whole life),
then `audit/`. Below them: `standings` (one row per key),
`notices` (published words), `purposes` (the closed list and its rules). This package has never heard of `idp`: people,
recipients and clients reach it as ids and small values.
"""
