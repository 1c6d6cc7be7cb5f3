"""
Sensors: tasks that wait for outcomes.

============  =================================================
``callback``  waits until the outcome of some calls is recorded
============  =================================================
"""
