"""
What ``ninebits check`` looks at, a module for each subject.

Each has the kinds of findings that it can make, a function that looks (and returns what it saw, as a dataclass), and a
pure one that judges what was seen. :mod:`.catalogue` has all kinds, :mod:`.running` runs them all.
"""
