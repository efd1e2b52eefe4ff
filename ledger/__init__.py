"""Double-entry rules: accounts, transfers, holds, fees, settlement. Pure: no I/O, no clock,
no SQL.
"""
