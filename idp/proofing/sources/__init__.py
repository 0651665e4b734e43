"""Authorities that know people.

registry   the port: a person by national ID      fake   the sandbox's registry, read from a TSV of made-up people
fake_cards   the sandbox's card reader            card_chip   a card in a real reader, signed by the agent beside it
"""
