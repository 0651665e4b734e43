"""How does a person prove, again, that it is still them?

Start reading: `sessions` (who is signed in), `factors` (what they have and may add), then one factor.

sessions     server-side sessions, rotated at every strengthening     passkeys     register, sign in, remove
pin totp     a PIN; an authenticator app                              tries        guesses counted before comparing
challenges   WebAuthn challenges, each used once                      ceremony     PURE: what a browser says, proved
invitations  how staff get their first passkey                        factors      which factors, and when one more
"""
