"""``design.json``: the circuit that was built, device by device, and what its files held then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from netgen._version import __version__
from netgen.circuit import Bias
from netgen.circuit.exchange import decoded, encoded
from netgen.circuit.netlist import Netlist
from netgen.errors import ConfigurationError, UsageError
from netgen.netlist.read import read_network
from netgen.netlist.statements import check_statements
from netgen.project.folder import OTHER_BIAS
from netgen.project.options import BESIDE
from netgen.project.reading import Build
from netgen.schema import head
from netgen.technology import Technology


def design_text(
    texts: Mapping[Bias, str], networks: Mapping[Bias, Netlist], model: str, technology: str
) -> str:
    """Return the record of a design.

    Parameters
    ----------
    texts
        The netlists as they are written.
    model, technology
        Their digests.
    """
    digests = {
        str(bias): _digest(text.encode("utf-8", "backslashreplace")) for bias, text in texts.items()
    }
    content = {
        **head("design"),
        "netgen": __version__,
        "sha256": {"model": model, "technology": technology, **digests},
        **encoded(_named(networks)),
    }
    return json.dumps(content, ensure_ascii=False) + "\n"


def read_design(build: Build) -> tuple[Mapping[Bias, Netlist], Mapping[Bias, str]]:
    """Return the networks of a folder as they were built, and the digests of its files then.

    Raises
    ------
    ConfigurationError
        It is missing, damaged, or of another version.
    """
    path = build.folder.design
    try:
        content = json.loads(build.read(path.name))
        known = head("design")
        if {key: content[key] for key in known} != known:
            problem = f"is not version {known['version']} of {known['format']}; build again"
            raise ConfigurationError(str(path), [problem])
        networks = decoded(content)
        biases = build.options.bias, BESIDE[build.options.bias]
        digests = {bias: str(content["sha256"][bias]) for bias in biases}
        return {bias: networks[bias] for bias in biases}, digests
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError):
        raise ConfigurationError(str(path), ["is damaged; build again"]) from None


def read_netlist(build: Build, technology: Technology, bias: Bias | None = None) -> Netlist:
    """Return the network of a build: as it was built, or as a person edited its text since.

    Raises
    ------
    ConfigurationError
        Its record cannot be used, its text is missing, or was edited so that it cannot be read.
    UsageError
        It was not built with such biases.
    """
    networks, digests = read_design(build)
    built_with = build.options.bias
    bias = bias or built_with
    if bias not in networks:
        raise UsageError(f"{build.folder.path} has no {bias} biases: build with --bias {bias}")
    path = (
        build.folder.netlist if bias == built_with else build.folder.path / OTHER_BIAS[built_with]
    )
    content = build.read_bytes(path.name)
    built = replace(networks[bias], source=str(path), digest=_digest(content))
    if digests[bias] == built.digest:
        return built
    edited = build.read(path.name)
    check_statements(edited, str(path))
    return read_network(edited, technology, built, str(path))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _named(networks: Mapping[Bias, Netlist]) -> dict[str, Netlist]:
    return {str(bias): network for bias, network in networks.items()}
