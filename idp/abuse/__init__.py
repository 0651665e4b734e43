"""How often is too often: what guards a public number against those who try many (RELIABILITY 3).

tallies   counts over all processes, by name and time     staff      how much one member of staff may ask for
failures  twenty wrong codes close the way by SMS, never the person
questions how often a register is asked
alarms    the budget of wrong guesses of everybody together: then longer codes, and another proof on new devices
prefixes  a range of phones whose codes nobody types is not written to
volume    PURE: how much one network, browser or service may ask before it is asked for another proof
as_ranges which autonomous system an address is of, by a local file
counters  what volume is counted in: this process's memory, or Redis
"""
