"""The files of a population: JSON, HTML and plots."""
