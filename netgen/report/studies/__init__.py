"""The files of studies: noise, scaling, sweep and training."""
