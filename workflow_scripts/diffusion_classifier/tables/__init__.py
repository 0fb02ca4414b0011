"""Turn scores into what readers see: wide tables, figures, and the notebooks that show them.

Every figure is a function that returns a matplotlib Figure. `escaping` and `fonts` make any name
readable wherever it is printed, and `published` compares our numbers with the paper's.
"""
