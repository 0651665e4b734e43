"""Authorities that know people.

registry   the port: a person by national ID      fake   the sandbox's registry, read from a TSV of made-up people
thaid   ThaID by OpenID Connect; the sandbox's is a service of its own, `idp/demo/thaid.py`
fake_cards   the sandbox's card reader            card_chip   a card in a real reader, signed by the agent beside it
in_person   what an officer reads by eye: passports and other papers
card_status   whether a card is good, asked of its issuer (DOPA)     fake_card_status   the sandbox's issuer
"""
