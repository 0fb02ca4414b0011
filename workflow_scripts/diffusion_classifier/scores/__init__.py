"""From predictions to numbers: accuracy, Winoground's scores and effective robustness.

Every number comes with an interval (`intervals`) and can be compared on the same images
(`paired_tests`). Nothing here asks which method made a prediction.
"""
