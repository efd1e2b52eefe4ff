"""The words everyone shares: money, ids, markets, refusals. Pure: no I/O, no clock, no float."""
