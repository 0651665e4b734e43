"""Who may decide for whom (PDPA s.20), on which evidence, and until when.

rules      pure: ages in Bangkok, whose signature is needed, until when somebody may act
models     the tables
helping    pure: what an adult may entrust to a helper of their choice
links      a guardianship: entered at a counter, running, ended
invitations  a code, who typed it, and the yes of both
cosigning  what one of two has signed, and waits for the other
"""
