"""How often is too often: what guards a public number against those who try many (RELIABILITY 3).

tallies   counts over all processes, by name and time
failures  twenty wrong codes close the way by SMS, never the person
alarms    the budget of wrong guesses of everybody together: then longer codes, and another proof on new devices
prefixes  a range of phones whose codes nobody types is not written to
volume    PURE: how much one network, browser or service may ask before it is asked for another proof
counters  what volume is counted in: this process's memory, or Redis
"""
