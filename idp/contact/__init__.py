"""Who holds this phone: one-time codes and the channels that carry letters to people.

codes      a challenge for any national ID; exactly five guesses; send limits    limits     how often a code may be sent
sms        one HTTP gateway                gateways   the first one, the second one, and when which is asked
spend      what a day may cost, exactly    passages   what went through which gateway, and receipts of delivery
mail       SMTP with STARTTLS              line       push messages of the LINE Official Account
line_links whose LINE account is linked    sim_swap   whether a phone's SIM card was changed of late
fake       the sandbox's channels: messages land in a table that the inbox page shows
"""
