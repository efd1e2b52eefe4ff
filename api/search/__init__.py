"""Search and explorer: everything read from the projections, each viewer seeing what they may."""
