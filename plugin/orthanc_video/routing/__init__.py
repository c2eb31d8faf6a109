"""Destinations: what they take, in which form a video goes to them, and how it is delivered for certain."""
