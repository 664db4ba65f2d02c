"""Measuring fastnet against the code that a reader of the book would write."""
