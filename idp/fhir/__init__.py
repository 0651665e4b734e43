"""Consents and the log as FHIR R4 speaks of them; and what a data holder reports about its own reads.

consent      PURE: a record, a no, a withdrawal or a refusal in general as a Consent (IHE PCF)
audit_event  PURE: an entry of the log as an AuditEvent (IHE BALP)
reported     PURE: a holder's AuditEvent, read strictly: closed words only, nothing that could name anybody
search       whose consents a caller may see; finding: one search or read, and its entry
capability   PURE: CapabilityStatement and SMART configuration
outcome      PURE: OperationOutcome, the one form of every refusal; systems: the addresses of code lists
"""
