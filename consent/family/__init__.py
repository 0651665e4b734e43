"""Who may decide for whom (PDPA s.20), on which evidence, and until when.

rules      pure: ages in Bangkok, whose signature is needed, until when somebody may act
models     the two tables
links      a guardianship: entered at a counter, running, ended
cosigning  what one of two has signed, and waits for the other
"""
