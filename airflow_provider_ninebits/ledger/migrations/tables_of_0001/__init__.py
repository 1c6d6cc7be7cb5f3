"""The tables of the first revision, by subject. What a released revision does never changes, here neither."""
