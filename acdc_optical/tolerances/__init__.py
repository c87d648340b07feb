"""How far benches may be off: many at random, and the slope of the error by each of their numbers."""
