"""Compare the speed of fastnet with the code that a reader of the book would write."""
