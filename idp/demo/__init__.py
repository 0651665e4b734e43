"""The sandbox: one command, made-up people, demo services as separate processes.

supervisor  the folder, the ports, the children of `idp demo`       seed      people, directory, clients, the auditor
services    the demo services (import nothing of ours but relying)  portal    a hospital's client and its page
thaid line  stand-ins for the providers above us    stand_in providers  what these two need, how they are started
holder      a record holder's resource server                       client memory words fhir   what these two need
people.tsv  the synthetic registry
"""
