"""Weights by a formula, for networks whose published weights stand in no package: `src/formula.rs` computes the same values to
the last bit, so that only what a network makes of them need be kept.

Value i (row-major, from 0) of tensor `name` with seed s:

    state = FNV-1a, 64 bits, of the bytes of "<s>/<name>"
    word  = splitmix64's output i from that state
    u     = (word >> 40) / 2^23 - 1                          in [-1, 1), exact in f32
    value = centre + spread * u                              in f32, rounded after the product and after the sum

A state dict is filled as it is published, with BatchNorm beside its convolutions, by the tensor's kind (`CENTRE_AND_SPREAD`; a
convolution `[out, in, k, k]` has centre 0 and spread sqrt(6 / (in * k * k)), rounded to f32: He et al. 2015). A BatchNorm that ends a
residual branch has numbers of its own, or a sum would grow with every block and become positive everywhere; so has one in front of its
convolution (DenseNet's norm1 and norm), whose input may be positive everywhere.
"""

import math

import numpy as np
import torch

MASK = (1 << 64) - 1
#                          gamma         beta            mean          variance
CENTRE_AND_SPREAD = {
    "behind":             [(1.0, 0.25),  (0.0, 0.25),    (0.0, 0.125), (1.0, 0.5)],
    "in front":           [(0.0, 1.75),  (0.0, 0.25),    (0.0, 0.125), (1.0, 0.5)],
    "ends a bottleneck":  [(0.0, 0.5),   (-0.375, 0.25), (0.0, 0.125), (1.0, 0.5)],
    "ends a basic block": [(0.0, 1.5),   (-1.25, 0.25),  (0.0, 0.125), (1.0, 0.5)],
}
LEAVES = ["weight", "bias", "running_mean", "running_var"]


def uniform(name, count):
    """The numbers u that belong to a name, f32."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & MASK
    z = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) >> np.uint64(40)
    return z.astype(np.float32) / np.float32(1 << 23) - np.float32(1)


def values(seed, name, shape, centre, spread):
    """A tensor by the formula, f32."""
    u = uniform(f"{seed}/{name}", math.prod(shape))
    return torch.from_numpy((np.float32(centre) + np.float32(spread) * u).reshape(shape))


def kinds(network):
    """What each BatchNorm of a network of torchvision or timm is."""
    found = {}
    for name, module in network.named_modules():
        kind = type(module).__name__
        if isinstance(module, torch.nn.BatchNorm2d):
            is_front = name.rsplit(".", 1)[-1] in ("norm1", "norm")
            found.setdefault(name, "in front" if is_front else "behind")
        elif kind == "BasicBlock":
            found[f"{name}.bn2"] = "ends a basic block"
        elif kind == "Bottleneck" or kind == "InvertedResidual" and module.has_skip:
            found[f"{name}.bn3"] = "ends a bottleneck"
    return found


def fill(network, seed, rename=lambda name: name):
    """Puts the formula's weights into a network of torchvision or timm; `rename` gives the name that the formula takes for one of the
    network's own. What is neither a convolution nor a BatchNorm stays as it is."""
    norms = kinds(network)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            module, leaf = name.rsplit(".", 1)
            if tensor.ndim == 4:
                centre, spread = 0.0, math.sqrt(6 / math.prod(tensor.shape[1:]))
            elif module in norms and leaf in LEAVES:
                centre, spread = CENTRE_AND_SPREAD[norms[module]][LEAVES.index(leaf)]
            else:
                continue
            tensor.copy_(values(seed, rename(name), tuple(tensor.shape), centre, spread))
    return network.eval()
