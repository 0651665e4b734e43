"""Authorities that know people.

registry   the port: a person by national ID      fake   the sandbox's registry, read from a TSV of made-up people
fake_cards   the sandbox's card reader
"""
