"""Supply power by kind of block, and its growth with the size of a network."""
