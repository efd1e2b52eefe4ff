"""Are the projections what their sources say? For `rialto audit` and before a rebuild swaps."""
