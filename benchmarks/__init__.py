"""
What things cost, measured on the machine at hand.

``make bench`` runs all of them, ``make bench NAME=sends`` one. Each is a module here with a ``measure()`` that returns
its ``Results``: :mod:`benchmarks.__main__` prints them, and keeps them as a page of the docs; ``tools.machine`` says
what they were measured on.
"""
