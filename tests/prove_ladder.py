"""Guards of the assurance ladder, for `make prove`: name, file, old text, new text, tests that must notice."""

LOGIN = "tests/idp/login/"
HERE = "tests/idp/"

AGENTS = (HERE + "test_card_agents.py",)
CHIP = (HERE + "proofing/sources/test_card_chip.py",)
LOOPBACK = (HERE + "agent/test_loopback.py",)
CASES = (HERE + "test_desk_cases.py",)
FOUR_EYES = (HERE + "test_four_eyes.py",)
HANDOVER = (HERE + "test_handover.py",)
DESK_PAGES = (HERE + "web/test_desk_case.py", HERE + "web/test_desk_reach.py")
ATTEMPTS = (HERE + "upstream/test_attempts.py",)
LINKS = (HERE + "contact/test_line_links.py",)
ONWARD = (HERE + "test_onward.py",)
LOOKS = (HERE + "proofing/test_looks.py",)
PROOFING = (HERE + "proofing/test_adjudicate.py", HERE + "proofing/test_cases.py")
SPEND = (HERE + "contact/test_spend.py",)
CARD_STATUS = (HERE + "proofing/test_card_status.py",)
CODES = (LOGIN + "test_recovery_codes.py",)
OTHER_WAY = (LOGIN + "test_other_way.py",)
PASSKEYS = (LOGIN + "test_passkeys.py", LOGIN + "test_security_keys.py")
FACTORS = (LOGIN + "test_factors.py",)
ALERTS = (HERE + "test_alerts.py",)
RECOVERY = (HERE + "test_recovery.py", HERE + "test_recoveries.py")
SECURITY = (HERE + "web/test_security.py",)
FAILURES = (HERE + "abuse/test_failures.py",)
SENDING = (HERE + "contact/test_sending.py",)

CODES_SENT = (HERE + "contact/test_codes.py",)
WHERE = (HERE + "test_addressees.py",)
VOLUME = (HERE + "abuse/test_volume.py",)
TYPED_PHONES = (HERE + "web/test_hurdle.py::test_a_network_that_types_many_phones_is_asked_for_another_proof",)
STAFF = (HERE + "abuse/test_staff.py",)
FIRST_WAY = (HERE + "web/test_desk_case.py::test_the_first_number_of_an_account_is_bound_by_nobody_alone",)
REACH = (HERE + "web/test_desk_reach.py::test_one_officer_alone_proves_nobody_by_a_paper_that_no_machine_read",)
STAYS = (HERE + "web/test_desk_reach.py::test_a_phone_that_is_left_as_it_is_stays_the_phone_and_the_way_goes_on",)
INSIDER = HERE + "web/test_desk_insider.py::"
REFUSED_CARD = (INSIDER + "test_a_card_that_its_issuer_refuses_proves_nobody_whatever_is_posted",)
WATCHERS = (
    INSIDER + "test_whoever_watches_does_not_act",
    HERE + "web/test_desk.py::test_an_auditor_has_no_desk_and_a_citizen_neither",
)
BETTER = (INSIDER + "test_a_paper_binds_no_way_in_to_an_account_that_a_chip_proved",)
FRESH_EXPORT = (HERE + "web/test_auditor.py::test_the_log_leaves_the_house_after_a_fresh_factor_alone",)

ASK = "idp/card_agents.py"
AT_PLACE = ' CardAgent.hcode == bindparam("at"), CardAgent.removed_at.is_(None)'
EYES = "idp/four_eyes.py"
HAND = "idp/handover.py"
TAKEN = ", Handover.taken_at.is_(None), *_RUNS)\n    .values(taken_at"
WRONG_DIGITS = "    if not right:\n        end(session, case_id, now=now)\n"
RECOVER = "idp/recovery.py"
GUARDED = "    may = [~_guarded(subject_id, now=now)] if by_code else []\n"
RESTED = 'or_(_IN_QUOTA, SendLedger.rests_until <= bindparam("rested", type_=UtcDateTime())),'
LOCKED = "        or_(OtherWayLedger.locked_until.is_(None), OtherWayLedger.locked_until <= now),\n"

LINK_USED = ", LineLink.removed_at.is_(None))\n    .values(last_used_at"

LADDER = (
    ("agent: number spent once", ASK, "        CardAsk.used_at.is_(None),\n", "", AGENTS),
    ("agent: number of one session", ASK, '        CardAsk.session_hash == bindparam("of"),\n', "", AGENTS),
    ("agent: number of one facility", ASK, '        CardAsk.hcode == bindparam("at"),\n', "", AGENTS),
    ("agent: number in time", ASK, '        CardAsk.expires_at > bindparam("now"),\n', "", AGENTS),
    ("agent: of its own facility", ASK, AT_PLACE, " CardAgent.removed_at.is_(None)", AGENTS),
    ("agent: removed", ASK, AT_PLACE, ' CardAgent.hcode == bindparam("at")', AGENTS),
    (
        "agent: signed for us",
        "idp/proofing/sources/card_chip.py",
        'if claims.get("aud") != self._issuer:',
        "if False:",
        CHIP,
    ),
    ("agent: fresh", "idp/proofing/sources/card_chip.py", "if not fresh:", "if False:", CHIP),
    (
        "agent: our pages alone",
        "idp/agent/loopback.py",
        ' and self.headers.get("Origin") == self.server.origin',
        "",
        LOOPBACK,
    ),
    ("desk: a case's step once", "idp/desk_cases.py", 'getattr(DeskCase, step) == "", *_LIVE', "*_LIVE", CASES),
    ("desk: idle", "idp/desk_cases.py", " and (quiet or now - row.seen_at < IDLE)", "", CASES),
    (
        "desk: card forgotten when idle",
        "idp/readings.py",
        " and now - (row.seen_at or row.read_at) < IDLE",
        "",
        (HERE + "test_readings.py",),
    ),
    (
        "desk: tries at the phone's code",
        "idp/desk_phone.py",
        "DeskCode.tries_left > 0, ",
        "",
        (HERE + "test_desk_phone.py",),
    ),
    ("four eyes: two persons", EYES, '("same_person", second == first)', '("same_person", False)', FOUR_EYES),
    ("four eyes: for one act", EYES, "            Countersign.act == act,\n", "", FOUR_EYES),
    ("four eyes: after the phone answered", EYES, "Countersign.asked_at >= (since or EVER),", "", FOUR_EYES),
    ("four eyes: at a desk", EYES, " and one.role in AT_A_DESK", "", FOUR_EYES),
    (
        "desk: no auditor sits there",
        "idp/web/desk.py",
        "if place.role not in readings.AT_A_DESK:",
        "if False:",
        WATCHERS,
    ),
    ("desk: a phone that stays", "idp/ways_in.py", " or case.reach:", ":", STAYS),
    (
        "desk: a card that its issuer refuses",
        "idp/counter_proofing.py",
        'case.chip in desk_cases.LASTS["chip"]',
        "False",
        REFUSED_CARD,
    ),
    (
        "desk: proved better than by this paper",
        "idp/ways_in.py",
        "return _shown_better(",
        "return False and _shown_better(",
        BETTER,
    ),
    (
        "desk: two for what no machine read",
        "idp/counter_proofing.py",
        'if case.chip == "read_by_eye" else None',
        "if False else None",
        REACH,
    ),
    ("staff: so many an hour", "idp/abuse/staff.py", "counted <= MOST_AN_HOUR[what]", "True", STAFF),
    ("codes: beyond eight ever more slowly", "idp/contact/limits.py", RESTED, "", CODES_SENT),
    (
        "codes: no new SIM card",
        "idp/addressees.py",
        "return ports.sim_swap.changed(",
        "return False and ports.sim_swap.changed(",
        WHERE,
    ),
    ("register: three questions a day", "idp/abuse/questions.py", " > MOST_A_DAY", " > 10**6", WHERE),
    (
        "register: ten an hour for a network",
        "idp/abuse/questions.py",
        "if so_far <= MOST",
        "if True or so_far <= MOST",
        WHERE,
    ),
    (
        "another proof: autonomous systems",
        "idp/abuse/volume.py",
        "allowance(SYSTEM_FLOOR, ",
        "1e9 + allowance(0, ",
        VOLUME,
    ),
    ("desk: two for a first way in", "idp/ways_in.py", "return alone and ", "return False and ", FIRST_WAY),
    ("register: its contract's quota", "idp/abuse/questions.py", "if asked > self._quota:", "if False:", WHERE),
    ("another proof: for longer each time", "idp/abuse/volume.py", "asking.pair_rests or ", "", VOLUME),
    ("another proof: phones typed in a network", "idp/web/register.py", " or hurdle.typed_phone()", "", TYPED_PHONES),
    ("recovery: stopped by a code twice", RECOVER, GUARDED, "    may = []\n", RECOVERY),
    (
        "other way: a device of another account",
        "idp/login/other_way.py",
        "if paid.fingerprint == number else",
        "if True else",
        OTHER_WAY,
    ),
    (
        "export: a fresh factor",
        "idp/web/freshness.py",
        "raise SignInNeeded(who=Who.STAFF,",
        "SignInNeeded(who=Who.STAFF,",
        FRESH_EXPORT,
    ),
    ("hand-over: taken once", HAND, TAKEN, ", *_RUNS)\n    .values(taken_at", HANDOVER),
    ("hand-over: the digits", HAND, '        Handover.digits == bindparam("typed"),\n', "", HANDOVER),
    ("hand-over: confirmed first", HAND, "        Handover.confirmed_at.is_not(None),\n", "", HANDOVER),
    ("hand-over: one try", HAND, WRONG_DIGITS, "", HANDOVER),
    ("hand-over: page of a confirmed one", "idp/web/handover.py", 'handed.state != "confirmed" or ', "", DESK_PAGES),
    (
        "counter: a visit elsewhere goes on",
        "idp/counter.py",
        "if visits.runs_for(session",
        "if False and visits.runs_for(session",
        (HERE + "test_counter.py",),
    ),
    (
        "provider: an answer once",
        "idp/upstream/attempts.py",
        "        UpstreamAttempt.used_at.is_(None),\n",
        "",
        ATTEMPTS,
    ),
    (
        "provider: own browser",
        "idp/upstream/attempts.py",
        '        UpstreamAttempt.browser_hash == bindparam("from_browser"),\n',
        "",
        ATTEMPTS,
    ),
    ("line: taken off", "idp/contact/line_links.py", LINK_USED, ")\n    .values(last_used_at", LINKS),
    ("in-app: a word for one browser", "idp/onward.py", ' == bindparam("theirs")', ".is_not(None)", ONWARD),
    ("look-ups: three a day", "idp/proofing/looks.py", "Looks.look_3 <= now - A_DAY,", "", LOOKS),
    ("proofing: an account that is shut", "idp/proofing/cases.py", 'subject.status != "active"', "False", PROOFING),
    ("messages: the daily cap", "idp/contact/spend.py", "(MessageDay.spent + cost <= cap,)", "()", SPEND),
    (
        "messages: no link",
        "idp/outbox.py",
        "if kind in TO_PEOPLE and channels.carries_link(body):",
        "if False:",
        (HERE + "test_channels.py",),
    ),
    (
        "messages: receipts are signed",
        "idp/web/hooks.py",
        "if not hmac.compare_digest(",
        "if False and not hmac.compare_digest(",
        (HERE + "web/test_hooks.py",),
    ),
    ("cards: no DTD", "idp/proofing/sources/card_status.py", "forbid_dtd=True", "forbid_dtd=False", CARD_STATUS),
    (
        "cards: unknown codes",
        "idp/proofing/sources/card_status.py",
        "VERDICTS.get(code)",
        'VERDICTS.get(code, "mismatch")',
        CARD_STATUS,
    ),
    ("recovery code: used once", "idp/login/recovery_codes.py", "RecoveryCode.used_at.is_(None),", "", CODES),
    ("other way: lock", "idp/login/other_way.py", LOCKED, "", OTHER_WAY),
    (
        "passkey: home or work",
        "idp/login/passkeys.py",
        "passkey is None or passkey.for_staff != for_staff",
        "passkey is None",
        PASSKEYS,
    ),
    ("passkey: a copy is told of", "idp/login/passkeys.py", 'if refused.code == "counter":', "if False:", PASSKEYS),
    ("key: attested", "idp/login/passkeys.py", "if must_be_attested and not attested:", "if False:", PASSKEYS),
    ("key: of its model", "idp/login/security_keys.py", " and _is_for_model(chain[0], proved.aaguid)", "", PASSKEYS),
    ("factors: staff's passkey is no citizen's", "idp/login/factors.py", ", ~Passkey.for_staff", "", FACTORS),
    ("factors: a borrowed one adds none", "idp/login/factors.py", " or not proved - BORROWED", "", FACTORS),
    ("alert: disowned once", "idp/alerts.py", "Notice.disowned_at.is_(None), ", "", ALERTS),
    ("alert: for a week", "idp/alerts.py", ", Notice.expires_at > now)", ")", ALERTS),
    ("recovery: stopped for good", RECOVER, 'job.ref_id, Recovery.state == "waiting", ', "job.ref_id, ", RECOVERY),
    ("recovery: not before its time", RECOVER, ", Recovery.takes_effect_at <= now)", ")", RECOVERY),
    ("recovery: tries", RECOVER, '"proving", Recovery.tries_left > 0)', '"proving")', RECOVERY),
    ("freshness", "idp/web/freshness.py", "if not is_fresh(signed_in, now=g.now):", "if False:", SECURITY),
    (
        "freshness: held after disowning",
        "idp/web/freshness.py",
        'raise Refused("adding_held", 403)',
        "return",
        SECURITY,
    ),
    ("failures: twenty", "idp/abuse/failures.py", "        where=_F.failures < MOST,\n", "", FAILURES),
    (
        "failures: a closed way sends nothing",
        "idp/contact/codes.py",
        "if not (same and open_here):",
        "if not same:",
        SENDING,
    ),
    (
        "another proof: asked",
        "idp/web/login.py",
        "if why := hurdle.reason(national_id):",
        "if why := None:",
        (HERE + "web/test_hurdle.py",),
    ),
    (
        "wire: an essential acr is answered with itself",
        "idp/oauth/grants.py",
        " and level.acr in essential",
        "",
        (HERE + "oauth/features/test_claims.py",),
    ),
    (
        "wire: a lapsed level",
        "idp/oauth/live.py",
        "if until is None or until > now:",
        "if True:",
        (HERE + "oauth/test_live.py", HERE + "oauth/test_tokens.py"),
    ),
    (
        "relying: a stronger sign-in",
        "idp/relying/verify.py",
        "        if weak:\n",
        "        if False:\n",
        (HERE + "relying/test_levels.py",),
    ),
)
