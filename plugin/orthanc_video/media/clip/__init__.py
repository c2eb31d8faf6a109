"""Clips of a stored video, exact to the frame: copied where that can be, coded anew where it must be."""
