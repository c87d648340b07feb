"""Training by several processes at once, as ``torchrun`` starts them; by one alone if nobody started more."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Team:
    """The processes that train one network together.

    Attributes:
        rank: of this process; the first, 0, writes files.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def share(self, index: Tensor) -> Tensor:
        """This process's part of a batch."""
        return index.tensor_split(self.size)[self.rank]

    def joined(self, network: nn.Module) -> nn.Module:
        """The network with its gradients averaged over the processes after each backward pass."""
        return network if self.size == 1 else DistributedDataParallel(network)

    def total(self, values: Tensor) -> Tensor:
        """The sum of what each process has."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            distributed.barrier()


def gathered(device: torch.device) -> Team:
    """The team of this process for training on a device.

    ``torchrun`` tells each process of the others by environment variables. A process group that is there already is
    used; else one is made, by NCCL on GPUs and Gloo elsewhere, and kept until the process ends: processes that leave a
    group and make another can miss each other.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return Team()
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_leave)
    return Team(distributed.get_rank(), distributed.get_world_size())


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()
