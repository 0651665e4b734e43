"""What did they agree to, and what was then done with it?

Start reading: `records` (give, refuse, note), `decision` (the one pure answer), `access` (decide and log, always both),
`withdrawal`, `receipts` (the proof that a person keeps), `timeline` (one consent's whole life),
then `audit/`; `rights/` (requests, breaches, ROPA); `family/` (who decides for whom). Then `standings` (a row a key),
`notices` (published words), `purposes` (the closed list and its rules), `abroad` (what leaves Thailand),
`choices` (one answer), `questions` (all that a decision needs), `refusing` and `specificity` (refusals in general).
This package has never heard of `idp`: people, recipients and clients reach it as ids and small values.
"""
