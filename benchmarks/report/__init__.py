"""One HTML page of stored results: leaderboards, charts, training curves and a replay of every attempt."""
