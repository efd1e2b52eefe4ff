"""What is derived from events: candles, order states, searchable documents. Pure.

Every reducer gives the same state for the same set of events, however often and in whatever order
they come. Nothing here decides about money: Postgres is the authority, all of this can be rebuilt.
"""
