"""Who is this, and may they have a token?

Start reading: `oauth/provider.py` (the protocol as one table), `prompts.py`, `withdrawal.py`, one of `tests/stories/`.

settings  every knob, and the starts that are refused      db         engines, sessions, errors; patience, postgresql
keys      signing keys, JWKS, sealing, fingerprints        assurance  pure: AAL, IAL, acr, amr
subjects  people; provisional: a number only typed         outbox     letters that must be delivered; trial: one to try
directory facilities, practitioners, staff                 contact    who holds this phone; upstream: ThaID, LINE
login     PIN, TOTP, passkeys, sessions; abuse: too often     proofing   who somebody is, and how surely
oauth     the protocol; fhir, reports: FHIR R4, holders     web        HTTP in, one verb, HTTP out
counter   a card (readings, card_agents); counter_proofing, ways_in (desk_cases, desk_phone, four_eyes, handover)
enrolment, treating, interaction (paused), authorizing (answered), family (on_behalf, proxies, guardians): the stories
alerts    told of every change; watching; disowning         recovery   a lost way in; signing_out, signals: from afar
relying   what another service imports                     demo       the sandbox; exchanges: what it shows developers
worker    jobs, letters, sealing; tidying, keeping         cli        `idp …`, commands; agent: beside a card reader
rotation, backup, vitals, metrics, wiring, seal_memory: upkeep; rights, copying, erasure, complaint_pack, breaches: PDPA
"""
