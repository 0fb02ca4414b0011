"""Turn scores into what readers see: wide tables, figures, and the notebooks that show them."""
