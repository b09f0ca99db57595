"""Supply power by kind of block, and its scaling with the size of a network."""
