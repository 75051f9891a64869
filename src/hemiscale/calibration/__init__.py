"""Do the intervals hold what they say? Counted on simulated studies."""
