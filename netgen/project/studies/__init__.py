"""Studies over builds: noise, scaling, sweep, streams and measured times."""
