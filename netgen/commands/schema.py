"""``netgen schema``."""

from __future__ import annotations

import json

import click

from netgen.model import model_schema
from netgen.schema import schema as read_schema
from netgen.schema import schema_names


@click.command("schema")
@click.argument("name", required=False)
def schema_command(name: str | None) -> None:
    """Print the JSON Schema of a file format; without NAME, the names."""
    if name is None:
        for known in schema_names():
            click.echo(f"{known}: {read_schema(known)['title']}")
        return
    schema = model_schema() if name == "model" else read_schema(name)
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
