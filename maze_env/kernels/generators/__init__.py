"""The maze algorithms, one file each: ``carve`` fills a wall layout with a spanning tree of the grid.

To add one, write its file beside these, call it in ``kernels.generation.carve`` under a new number, and give that
number a name in ``maze_env.generation.GENERATORS``.
"""
