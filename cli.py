"""Run netgen from a checkout: ``python cli.py build model.json -o out``."""

from netgen.commands import main

if __name__ == "__main__":
    main()
