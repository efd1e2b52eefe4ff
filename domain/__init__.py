"""The words everyone shares: money, ids, assets, markets, refusals. Pure: no I/O, no clock, no float."""
