"""Networks that compute once what several evaluations share, with the same results.

`shared_unet` and `shared_dit` call the modules of diffusers' networks in another order. `way_up`
replaces single modules of a UNet by faster ones.
"""
