"""Identity providers above us, ThaID and LINE: what both sign-ins share. Tolerant inward, strict outward (THAI.md 2.5).

attempts   a sign-in that is under way elsewhere: one state, one browser, one answer
wire       HTTP to addresses that the operator's settings name, with limits of time and size and a breaker
id_token   whose signature, for whom, until when: what is believed of a provider's ID token
What each provider says, and what we make of it, stands in `proofing.sources.thaid`, `login.line` and `contact.line`.
"""
