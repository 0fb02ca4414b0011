"""Tables as HTML, LaTeX and text, and sentences that sum them up.

`escaping` makes any name readable wherever it is printed, and `published` compares our numbers with
the paper's.
"""
