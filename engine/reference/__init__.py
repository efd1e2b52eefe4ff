"""The oracle: a second book that shares only vocabulary and rules with the real one.

All open orders are one list, and every question looks through all of it, so that a mistake in one
of the two shows as a difference between them.
"""
