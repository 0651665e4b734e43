"""How does a person prove, again, that it is still them?

Start reading: `sessions` (who is signed in), `factors` (what they have, may be asked for and may add), then one factor.

sessions     server-side sessions, rotated at every strengthening     passkeys       register, sign in
pin totp     a PIN; an authenticator app                              held           the passkeys somebody has
challenges   WebAuthn challenges, each used once                      ceremony       PURE: what a browser says, proved
invitations  how staff get their first passkey                        security_keys  PURE: keys that makers vouch for
other_way    after the number, without SMS                            recovery_codes ten codes on paper
line         LINE Login's own ways                                line_linking   linked, used at AAL1, taken off
devices      where somebody signed in before                          removal        ways in, taken away
session_rows the row of a sign-in, and how long it may live
affiliations where staff work now                                     tries          guesses counted before comparing
"""
