"""
What things cost, measured on the machine at hand.

``make bench`` runs all of them, ``make bench NAME=sends`` one. Each is a module here with a ``main()`` that prints its
table, and returns nothing; ``benchmarks.machine`` is printed before.
"""
