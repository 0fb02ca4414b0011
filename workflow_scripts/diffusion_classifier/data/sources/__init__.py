"""Sources of labelled images; `registry` lists their names in a config.

A data set on disk is one Parquet file: `image` int64 (0..n-1), `label` int64, `classname`,
`source` (the origin of the image) and `bytes` (the encoded image).
"""
