"""Diagonals made into masks: sampled, exact, the brightest, in phase alone, of one etch, and combs for cascades."""
