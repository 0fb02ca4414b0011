"""From scores to what a reader sees: wide tables, figures, and the notebooks that show them.

Every figure is a function that returns a matplotlib Figure. `escaping` and `fonts` make any name
readable wherever it is printed, and `published` sets the paper's numbers beside ours.
"""
