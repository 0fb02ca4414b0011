"""Networks that compute once what their evaluations have in common, with the same results.

`shared_unet` and `shared_dit` run the modules of diffusers' networks in an order of their own.
`way_up` and `products` replace single operations by faster ones that are equal.
"""
