"""What did they agree to, and what was then done with it?

Start reading: `records` (give, refuse), `decision` (the one pure answer), `withdrawal`, then `audit/`.
This package has never heard of `idp`: people, recipients and clients reach it as ids and small values.
"""
