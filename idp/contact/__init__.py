"""Who holds this phone: one-time codes and the channel that carries them.

codes   a challenge for any national ID; exactly five guesses; send limits     sms    the HTTP gateway
fake    the sandbox's channel: messages land in a table that the inbox page shows
"""
