"""Measure the ε-prediction errors of pairs at samples, shape (pair, sample).

`engine` cuts batches from the flat list of all pairs and samples and runs a denoiser on them;
`losses` measures its predictions. `journal` lets a killed job continue, and `error_files` stores
errors.
"""
