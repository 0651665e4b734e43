"""The protocol: OAuth 2.0 and OpenID Connect, one file a specification.

Start reading: `provider.py` (CHECKS, FEATURES, the endpoints), then one feature. Authlib stays in this room.

features   one file per specification      id_token claims   what a client learns about the person
tokens     codes, tokens, families         grants            what a citizen granted, and on which consents it rests
clients    who may ask                     resources         who holds data
own        machines at our own interfaces  known_as          whose `sub` it is
live suspended   a grant as it is now, or for a while not   deciding acting   what of it stands, and by whose hand
pipeline   the request and its context     feature errors    the small types the rest is made of
"""
