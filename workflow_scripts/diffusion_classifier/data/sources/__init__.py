"""Sources of labelled images, by the names that a config gives them (`registry`).

A data set on disk is one Parquet file: `image` int64 (0..n-1), `label` int64, `classname`,
`source` (where the image came from) and `bytes` (the encoded image).
"""
