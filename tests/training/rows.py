"""Configurations of rows, and how many of a kind are to be expected."""

MIXED = {
    "sizes": {"4x4": 1, "5x6": 2},
    "lengths": {"1-3": 1, "4-7": 1},
    "trace_styles": {"path": 1, "retry": 1, "search": 1},
    "maze_seed": 5,
}
ANYWHERE = {
    "placements": {"origin": 1, "20x20": 1},
    "listings": {"standard": 2, "bottom-up": 1, "shuffled": 1},
}


def within_five_sigma(count, total, share):
    """A count so far off has a chance under 6 in ten million, once: the rows are fixed, so it fails always or never."""
    return abs(count - total * share) <= 5 * (total * share * (1 - share)) ** 0.5
