"""Decide which (pair, sample) is evaluated: candidates, schedules, stages, pruning and races.

`candidates` lists the pairs, `schedules` and `learned_timesteps` choose the samples. `pruning`,
`racing`, `prior` and `hierarchy` decide from errors which classes stay. `searches` rank
all classes by gradients, by groups of prompts or by correlated errors, and `survival` says how many
of them stay for a calibrated risk.
"""
