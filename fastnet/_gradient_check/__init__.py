"""How `gradient_check` judges a gradient: the values to compare with, the verdicts, and the report."""
