"""Compliance rules: tiers, names, documents, alerts, who may decide. Pure: no I/O, no clock."""
