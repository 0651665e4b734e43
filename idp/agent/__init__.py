"""The program that a counter's computer runs beside its card reader; no part of the server, and never imported by it.

It answers the issuer's pages on loopback alone, and only with what it signed: what the chip said, and the number that
the page brought. It keeps nothing, writes nothing personal, and never asks the card for address or religion.

apdu       commands to the card, and their answers     chip       PURE: what the card's bytes mean
reader     PC/SC                                        signing    the agent's key
loopback   the one address that a page may ask
"""
