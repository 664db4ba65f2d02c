"""What `Trainer` is made of, besides the loop: the data, early stopping, and the watch for divergence."""
