"""What several kernels share: formulas, loops over rows, memory, and the choice of a compiled version."""
