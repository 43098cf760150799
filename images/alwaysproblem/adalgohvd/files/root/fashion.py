"""Trains a classifier on several ranks: each has a share of the data, and gradients are averaged by MPI after every step, as Horovod does it.

    mpirun python fashion.py

The pictures are made up (a bright bar whose place says the class), so that nothing has to be downloaded; MPI is called through its C library, so
that nothing has to be installed.
"""
import array
import ctypes
import math
import random
import socket

STEPS, CLASSES, PIXELS, BATCH = 100, 10, 64, 16


class Mpi:
    """The few calls that data-parallel training needs, of Open MPI's library."""

    def __init__(self):
        self._lib = ctypes.CDLL("libmpi.so.40", mode=ctypes.RTLD_GLOBAL)
        self._lib.MPI_Init(None, None)
        self._world, self._double, self._sum = (
            ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(self._lib, name)))
            for name in ("ompi_mpi_comm_world", "ompi_mpi_double", "ompi_mpi_op_sum"))
        self.rank, self.size = self._ask("MPI_Comm_rank"), self._ask("MPI_Comm_size")

    def mean(self, values):
        """The mean of a list of numbers over all ranks, place by place."""
        mine, all_of_us = (ctypes.c_double * len(values))(*values), (ctypes.c_double * len(values))()
        self._lib.MPI_Allreduce(mine, all_of_us, len(values), self._double, self._sum, self._world)
        return [total / self.size for total in all_of_us]

    def finalize(self):
        self._lib.MPI_Finalize()

    def _ask(self, call):
        answer = ctypes.c_int()
        getattr(self._lib, call)(self._world, ctypes.byref(answer))
        return answer.value


def picture(chance):
    kind = chance.randrange(CLASSES)
    return [chance.random() * 0.3 + (1.0 if p * CLASSES // PIXELS == kind else 0.0) for p in range(PIXELS)], kind


def probabilities(weights, pixels):
    scores = [sum(w * x for w, x in zip(weights[k * PIXELS:(k + 1) * PIXELS], pixels)) for k in range(CLASSES)]
    powers = [math.exp(s - max(scores)) for s in scores]
    return [p / sum(powers) for p in powers]


def main():
    mpi = Mpi()
    print(f"rank {mpi.rank} of {mpi.size} on {socket.gethostname()}", flush=True)
    chance = random.Random(mpi.rank)
    weights = array.array("d", [0.0]) * (CLASSES * PIXELS)
    for step in range(1, STEPS + 1):
        gradient, loss = [0.0] * len(weights), 0.0
        for _ in range(BATCH):
            pixels, kind = picture(chance)
            guess = probabilities(weights, pixels)
            loss -= math.log(guess[kind]) / BATCH
            for k in range(CLASSES):
                error = (guess[k] - (k == kind)) / BATCH
                for p, x in enumerate(pixels):
                    gradient[k * PIXELS + p] += error * x
        *gradient, loss = mpi.mean(gradient + [loss])
        for i, g in enumerate(gradient):
            weights[i] -= 0.5 * g
        if mpi.rank == 0 and step % 20 == 0:
            print(f"step {step}  loss {loss:.4f}", flush=True)
    mpi.finalize()


main()
