"""Who somebody is, and how surely: evidence, what it adds up to, and the recipes that bring it (THAI.md 3, 3b).

evidence   pure: one thing that speaks for or against a person   adjudicate   pure: a level from evidence; what lacks
cases      a proof is kept, weighed, and moves the account       numbers      whose a number is; superseding, shutting
steps      pure: the steps of each recipe                        drafts       save and return
card_data  R2: what is printed on a card                         looks        how often an issuer is asked
by_thaid   R4: ThaID                                             phone_claims R1: a phone that was typed
register   names and deaths that are told later                  models       the tables

`sources/` holds one file for each authority that we ask; each asks outside a transaction, with a timeout, and has a
fake beside it that passes the same tests.
"""
