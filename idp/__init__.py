"""Who is this, and may they have a token?

Start reading: `oauth/provider.py` (the protocol as one table), `prompts.py`, `withdrawal.py`, one of `tests/stories/`.

settings  every knob, and the starts that are refused      db         engines, sessions, errors; patience, postgresql
keys      signing keys, JWKS, sealing; rotation           assurance  pure: AAL, IAL, acr, amr; wiring, seal_memory
subjects  people; provisional: a number only typed         outbox     letters that must be delivered; trial: one to try
directory facilities, practitioners, staff                 contact    who holds this phone; upstream: ThaID, LINE
login     PIN, TOTP, passkeys, sessions; abuse: too often     proofing   who somebody is, and how surely
oauth     the protocol; fhir, reports (silence): holders     web        HTTP in, one verb, HTTP out
counter   a card (readings, card_agents); counter_proofing, ways_in (desk_cases, desk_phone, four_eyes, handover)
enrolment treating interaction paused authorizing answered family hands on_behalf proxies guardians representatives
alerts    alert_words; watching; disowning; wards, ward_acts recovery   a lost way in; signing_out, signals: from afar
relying   what another service imports; log_keys           demo       the sandbox; exchanges: what it shows developers
worker    jobs, letters, sealing; tidying, keeping         cli        `idp …`; backup, vitals, metrics; agent
rights restrictions transfers paper_cases copying taking_along erasure breaches complaint_pack: the PDPA
"""
