"""The one operation: the ε-prediction errors of pairs at samples, shape (pair, sample).

`engine` cuts batches from the flat list of all pairs and samples and asks a denoiser; `losses`
measures what it predicts. `journal` lets a job that was killed go on, and `error_files` is how
errors are stored.
"""
