"""Doors to other frameworks: each module offers the environment or the suites in one framework's own form.

They are thin: the question and the verdict are those of ``task``, so that every framework scores an answer alike.
"""
