"""ngspice through PySpice: the entry ``ngspice`` of the group ``netgen.simulators``."""

from netgen.simulators.ngspice.simulator import NGSPICE

__all__ = ["NGSPICE"]
