"""Supply power as JSON, plots and table rows."""
