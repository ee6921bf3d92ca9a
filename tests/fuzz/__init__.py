"""Inputs that nobody vouches for, tried by the million against every reader of this project.

python -m tests.fuzz --inputs 1000000 --seed 0 --jobs 2
"""
