"""How the arrays of the Kalman solver are laid out, for the compiled loop and for the rest."""

LANES = 8
"""Factors are padded with zeros to a multiple of this, so that the inner loops have a length the compiler knows."""
SEEN, SEEN_NOW, LINEAR, LINEAR_NOW, FACTORS, FACTORS_NOW = range(6)
"""Columns of a feature's statistics: the records that had it, the curvature of its weight and the mean curvature of
its factors; each of the last pass, and so far in this one."""
