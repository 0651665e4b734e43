"""HTTP in, one verb, HTTP out. The only room that imports Flask; it knows no SQL and no protocol library.

gate      every route's row: transaction, who may enter, CSRF; commits once     errors    error -> status and page
locale    Thai or English, พ.ศ. dates, the message catalogue           uploads  cookies   names and flags per mode
protocol  token, introspection, revocation, UserInfo, discovery, JWKS           authorize the loop /interaction/<id>
desk desk_case desk_reach desk_paper desk_family handover  the counter   acting family ward (ward_refusals, ward_rights)
login register steps setup proofing offer consent (consent_screen, consent_page)   prompts        citizen security   /me
staff auditor   sign-in by passkey, the list whose reads are entries            sandbox health     welcome, inbox, livez
arrivals freshness   the door: known, shared, new devices; who may change a way in, and since when
not_me recovery staff_sessions   “this was not me”; a lost phone; where staff are signed in   representatives   helpers
rights privacy own_notice published_notice   rights; notices for all      dpo breaches ropa holders   the officer's desk
access watching   who did what, messages about it   fhir audit_fhir   consents, reports and the log for machines
thaid line upstream in_app   to a provider above us and back; out of LINE's own browser

A page never knows what comes next: it posts, and comes back to the loop. Raising undoes, returning keeps.
"""
