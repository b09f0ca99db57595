"""The training room (extra ``[train]``): sound, features, data sets, PyTorch networks.

Its modules are imported one by one, so that sound and features do not load PyTorch.
"""
