"""Edits of a stored video: what is shown of its pictures, what is heard, what lies beside them."""
