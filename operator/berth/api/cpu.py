"""Processors and memory of a machine beyond their amount. Fields are named and mean as in KubeVirt."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from berth.api.base import Model, Rule, rules


class PageSize(StrEnum):
    """Sizes of huge pages."""

    MIB_2 = "2Mi"
    GIB_1 = "1Gi"


class Hugepages(Model):
    """Memory in huge pages, which a node must have set aside."""

    page_size: PageSize
    """Size of one page; the memory of the guest is a multiple of it."""


class GuestMappingPassthrough(Model):
    """The guest sees the NUMA nodes that its processors and its memory come from."""


class NUMA(Model):
    """What the guest sees of the NUMA nodes."""

    guest_mapping_passthrough: GuestMappingPassthrough
    """The real ones."""


class CPU(Model):
    """Topology and model of the guest's processors. Of sockets, cores and threads those unset are 1 once one is set."""

    sockets: Annotated[int, Field(ge=1, le=512)] | None = None
    """Sockets; one for each processor without a topology, and two at most for Windows, whose clients use no more."""
    cores: Annotated[int, Field(ge=1, le=512)] | None = None
    """Cores of each socket."""
    threads: Annotated[int, Field(ge=1, le=8)] | None = None
    """Threads of each core."""
    model: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9._-]+$")] | None = None
    """Model that the guest sees, such as `host-passthrough` or `Haswell-noTSX`; what KubeVirt is set to when unset."""
    numa: NUMA | None = None
    """What it sees of NUMA nodes; needs dedicated processors and huge pages."""

    model_config = rules(
        Rule(
            "self.?sockets.orValue(1) * self.?cores.orValue(1) * self.?threads.orValue(1) <= 512",
            "a guest has 512 processors at most: lower sockets, cores or threads",
        ),
    )
